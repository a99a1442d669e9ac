# cmake -DSOURCE=FOLDER -DOUTPUT=FILE.c -P commit.cmake: writes the file that defines
# provenance_commit(), unless it is the same already. The commit is that of the checkout FOLDER,
# with "-dirty" if its files differ from it. In the tarball of a release git has put it into
# cmake/commit.txt. "unknown" otherwise.
cmake_policy(VERSION 3.22)
include(${CMAKE_CURRENT_LIST_DIR}/git.cmake)
set(commit unknown)
file(STRINGS ${SOURCE}/cmake/commit.txt exported LIMIT_COUNT 1)
if(exported MATCHES "^[0-9a-f]+$")
  set(commit ${exported})
elseif(GIT_COMMAND) # no tag is a name for it: that leaves the 40 digits
  execute_process(COMMAND ${GIT_COMMAND} describe --always --exclude * --abbrev=40 --dirty
    WORKING_DIRECTORY ${SOURCE}
    RESULT_VARIABLE failed OUTPUT_VARIABLE found ERROR_QUIET OUTPUT_STRIP_TRAILING_WHITESPACE)
  if(NOT failed AND found MATCHES "^[0-9a-f]+(-dirty)?$")
    set(commit ${found})
  endif()
endif()
file(CONFIGURE OUTPUT ${OUTPUT} @ONLY CONTENT "#include \"store/provenance.h\"

const char *provenance_commit(void)
{
    return \"${commit}\";
}
")
