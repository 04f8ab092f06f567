# cmake -DSOURCE=... -DOUTPUT=... [-DREVISION=...] -P revision.cmake: writes a header with the revision of the source, if
# that is another one than the header has.
if(NOT REVISION AND EXISTS ${SOURCE}/.git)  # and not that of a repository around an unpacked archive
  find_program(git git)
  if(git)
    execute_process(COMMAND ${git} -C ${SOURCE} describe --always --dirty --abbrev=12 --exclude *
      OUTPUT_VARIABLE REVISION OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
  endif()
endif()
if(NOT REVISION)
  set(REVISION unknown)
endif()
file(CONFIGURE OUTPUT ${OUTPUT} CONTENT "#define METRICS_REVISION \"${REVISION}\"\n")
