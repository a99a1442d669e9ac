# cmake -DFILE=x.json "-DKEYS=target ci90 0" -P json.cmake: prints that value; fails when it is not
# there. A stand-in for jq, which a bare system does not have.
file(READ "${FILE}" text)
separate_arguments(KEYS)
string(JSON value ERROR_VARIABLE error GET "${text}" ${KEYS})
if(error)
  message(FATAL_ERROR "${FILE}: ${KEYS}: ${error}")
endif()
execute_process(COMMAND ${CMAKE_COMMAND} -E echo "${value}")
