# git of the checkout SOURCE, as the list GIT_COMMAND, for execute_process(); not defined: there is
# no git, or SOURCE is no checkout. It may lie in a checkout of something else, a hook's variables
# name another repository, and the user who builds may be another than the owner: none of it counts.
find_program(GIT git)
foreach(variable GIT_DIR GIT_WORK_TREE GIT_INDEX_FILE GIT_COMMON_DIR GIT_OBJECT_DIRECTORY)
  unset(ENV{${variable}})
endforeach()
get_filename_component(above ${SOURCE} DIRECTORY)
set(ENV{GIT_CEILING_DIRECTORIES} ${above}) # where a broken .git would make git look
set(ENV{GIT_OPTIONAL_LOCKS} 0)
if(GIT AND EXISTS ${SOURCE}/.git)
  set(GIT_COMMAND ${GIT} -c safe.directory=* -c core.fsmonitor=false)
endif()
