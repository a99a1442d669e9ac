#ifndef LRSEARCH_VERSION_H
#define LRSEARCH_VERSION_H

/* LRSEARCH_VERSION, such as "0.2.0": of project() in CMakeLists.txt, defined for every file. */
#ifndef LRSEARCH_VERSION
#error "LRSEARCH_VERSION comes from CMakeLists.txt"
#endif

#endif
