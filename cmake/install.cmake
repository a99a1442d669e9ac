# What `cmake --install` puts where, the .deb of `cpack -G DEB`, and the tarball of the target
# `dist`. run.sh is not installed: it builds a checkout.
include(GNUInstallDirs)
set(share ${CMAKE_INSTALL_DATADIR}/lrsearch)
set(docs ${PROJECT_BINARY_DIR}/docs) # made by orchestrator/CMakeLists.txt

install(TARGETS lrsearch RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
install(FILES ${docs}/lrsearch.1.gz DESTINATION ${CMAKE_INSTALL_MANDIR}/man1)
install(FILES ${docs}/lrsearch-plan.5.gz DESTINATION ${CMAKE_INSTALL_MANDIR}/man5)
install(FILES ${docs}/lrsearch DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions)
foreach(folder site-functions vendor-completions) # below /usr/local; below /usr on Debian
  install(FILES ${docs}/_lrsearch DESTINATION ${CMAKE_INSTALL_DATADIR}/zsh/${folder})
endforeach()
install(FILES ${docs}/plan.schema.json DESTINATION ${share})
install(DIRECTORY plans DESTINATION ${share} USE_SOURCE_PERMISSIONS
  FILES_MATCHING PATTERN *.yaml PATTERN *.csv PATTERN *.svg PATTERN *.md PATTERN *.py PATTERN *.sh
  PATTERN *.sbatch PATTERN mup-transfer.sh EXCLUDE PATTERN vocabularies.sh EXCLUDE
  PATTERN proof.sh EXCLUDE PATTERN proof_table.py EXCLUDE) # they need a checkout
# The dictionary that run.sh downloads is that of the package dict-gcide.
install(CODE "
  file(GLOB plans \"\$ENV{DESTDIR}\${CMAKE_INSTALL_PREFIX}/${share}/plans/*.yaml\")
  foreach(plan IN LISTS plans)
    file(READ \"\${plan}\" text)
    string(REPLACE ../build/text/gcide.dict.dz /usr/share/dictd/gcide.dict.dz text \"\${text}\")
    file(WRITE \"\${plan}\" \"\${text}\")
  endforeach()")
install(FILES contrib/optuna_bridge.py contrib/lrsearch.py contrib/ask_tell_example.py
  contrib/submitit_example.py DESTINATION ${share}/contrib)
install(FILES README.md CHANGELOG.md CONTRIBUTING.md DESTINATION ${CMAKE_INSTALL_DOCDIR})
install(DIRECTORY docs DESTINATION ${CMAKE_INSTALL_DOCDIR})
install(DIRECTORY plans DESTINATION ${CMAKE_INSTALL_DOCDIR} # what the documents link to
  FILES_MATCHING PATTERN *.svg PATTERN README.md PATTERN recipes EXCLUDE)
install(FILES LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR} RENAME copyright) # its name in Debian

# Debian wants a changelog in its own form.
file(CONFIGURE OUTPUT ${docs}/changelog @ONLY CONTENT
"lrsearch (@PROJECT_VERSION@) unstable; urgency=medium

  * See CHANGELOG.md.

 -- lrsearch maintainers <maintainers@lrsearch.invalid>  Mon, 30 Nov 2026 00:00:00 +0000
")
install(FILES ${docs}/changelog.gz DESTINATION ${CMAKE_INSTALL_DOCDIR})

set(CPACK_GENERATOR TGZ)
set(CPACK_PACKAGE_VENDOR lrsearch)
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "learning rate of a long training, from short ones")
set(CPACK_STRIP_FILES ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_MAINTAINER "lrsearch maintainers <maintainers@lrsearch.invalid>")
set(CPACK_DEBIAN_PACKAGE_SECTION science)
set(CPACK_DEBIAN_PACKAGE_PRIORITY optional)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)                 # the libraries, by dpkg-shlibdeps
if(MPI_C_LIBRARIES MATCHES mpich)
  set(CPACK_DEBIAN_PACKAGE_DEPENDS "mpich")            # mpiexec.hydra
else()
  set(CPACK_DEBIAN_PACKAGE_DEPENDS "openmpi-bin")      # mpirun
endif()
set(CPACK_DEBIAN_PACKAGE_RECOMMENDS "gnuplot-nox")     # figures
set(CPACK_DEBIAN_PACKAGE_SUGGESTS "dict-gcide, python3-optuna") # the quick start's text; optuna_bridge.py
set(CPACK_DEBIAN_PACKAGE_DESCRIPTION
"Finds the peak learning rate of a long language-model training from many
short, cheap ones: trains a compact transformer at several horizons under
MPI, fits the law by which the best learning rate moves with the horizon,
and gives the rate of the long training with an interval, and warnings
about anything that makes it less certain.")
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
include(CPack)
file(REMOVE ${PROJECT_BINARY_DIR}/CPackSourceConfig.cmake) # its package_source packs build folders too

set(tarball lrsearch-${PROJECT_VERSION})
add_custom_target(dist VERBATIM
  COMMAND ${CMAKE_COMMAND} -DSOURCE=${PROJECT_SOURCE_DIR} -DNAME=${tarball}
    -DOUTPUT=${PROJECT_BINARY_DIR}/${tarball}.tar.gz -P ${PROJECT_SOURCE_DIR}/cmake/dist.cmake)
