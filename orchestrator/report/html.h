#ifndef LRSEARCH_HTML_H
#define LRSEARCH_HTML_H

#include <stdbool.h>
#include <stddef.h>

/* An HTML text in memory. Zero it before use. After a failure every function does nothing,
 * so that one check at the end suffices. */

struct html {
    char *bytes; /* not NUL-terminated */
    size_t used, capacity;
    bool failed; /* out of memory */
};

void html_bytes(struct html *html, const void *bytes, size_t size);
void html_raw(struct html *html, const char *markup);
void html_text(struct html *html, const char *text); /* escaped; for attributes in "" too */
/* As printf, not escaped: for numbers and trusted text, up to 2047 bytes. */
void html_format(struct html *html, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* The bytes in base64, for a data: address. */
void html_base64(struct html *html, const void *bytes, size_t size);

void html_release(struct html *html);

/* page/page.css, D3, and the scripts of page/, as the build embeds them. page_d3_size 0: built
 * without D3. */
extern const unsigned char page_css[], page_d3[], page_js[];
extern const size_t page_css_size, page_d3_size, page_js_size;

#endif
