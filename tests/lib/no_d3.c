/* The symbols of page_d3.c as a build without D3 has them; found before those of lr_report. */
#include "report/html.h"

const unsigned char page_d3[] = {0};
const size_t page_d3_size = 0;
