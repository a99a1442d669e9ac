# cmake -DSOURCE=FOLDER -DNAME=lrsearch-VERSION -DOUTPUT=FILE.tar.gz -P dist.cmake: the tarball of
# the last commit of the checkout FOLDER. The same commit gives the same bytes, and its name is in
# cmake/commit.txt (.gitattributes), so that the program built from it tells it.
cmake_policy(VERSION 3.22)
find_program(GIT git)
if(NOT GIT OR NOT EXISTS ${SOURCE}/.git)
  message(FATAL_ERROR "${SOURCE}: a tarball is made of a commit, and this is no checkout, or git is missing")
endif()
set(git ${GIT} -c safe.directory=*)
execute_process(COMMAND ${git} diff --quiet HEAD WORKING_DIRECTORY ${SOURCE}
  RESULT_VARIABLE differs)
if(differs)
  message(NOTICE "uncommitted changes are not in the tarball")
endif()
execute_process(COMMAND ${git} archive --format=tar.gz --prefix=${NAME}/ -o ${OUTPUT} HEAD
  WORKING_DIRECTORY ${SOURCE} RESULT_VARIABLE failed)
if(failed)
  message(FATAL_ERROR "git archive: ${failed}")
endif()
message(NOTICE "${OUTPUT}")
