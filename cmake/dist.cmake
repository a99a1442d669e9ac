# cmake -DSOURCE=FOLDER -DNAME=lrsearch-VERSION -DOUTPUT=FILE.tar.gz -P dist.cmake: the tarball of
# the last commit of the checkout FOLDER. The same commit gives the same bytes, whatever the
# settings of the user's git, and its name is in cmake/commit.txt (.gitattributes), so that the
# program built from it tells it.
cmake_policy(VERSION 3.22)
include(${CMAKE_CURRENT_LIST_DIR}/git.cmake)
set(ENV{GIT_CONFIG_GLOBAL} /dev/null)
set(ENV{GIT_CONFIG_NOSYSTEM} 1)
if(NOT GIT_COMMAND)
  message(FATAL_ERROR "${SOURCE}: a tarball is made of a commit, and this is no checkout, or git is missing")
endif()
execute_process(COMMAND ${GIT_COMMAND} diff --quiet HEAD WORKING_DIRECTORY ${SOURCE}
  RESULT_VARIABLE differs ERROR_QUIET)
if(differs EQUAL 1)
  message(NOTICE "uncommitted changes are not in the tarball")
endif()
execute_process(COMMAND ${GIT_COMMAND} archive --format=tar.gz --prefix=${NAME}/ -o ${OUTPUT} HEAD
  WORKING_DIRECTORY ${SOURCE} RESULT_VARIABLE failed)
if(failed)
  message(FATAL_ERROR "git archive: ${failed}")
endif()
message(NOTICE "${OUTPUT}")
