#ifndef LRSEARCH_TOKENIZER_H
#define LRSEARCH_TOKENIZER_H

#include <stddef.h>
#include <stdint.h>

/* C interface to sentencepiece (tokenizer.cc, the project's only C++). Lossless settings: byte
 * fallback, no normalisation, no dummy prefix. Each returns 0, or -1 with a text in `message`. */
#ifdef __cplusplus
extern "C" {
#endif

struct tokenizer;

int tokenizer_train(const char *text, size_t size, uint32_t vocab, const char *model_path,
                    char *message, size_t message_capacity);
int tokenizer_load(struct tokenizer **out, const char *model_path, char *message,
                   size_t message_capacity);
/* Ids of `text`; *ids belongs to the tokenizer, until its next call. */
int tokenizer_encode(struct tokenizer *tokenizer, const char *text, size_t size,
                     const uint32_t **ids, size_t *count, char *message, size_t message_capacity);
/* Text of the ids; *text belongs to the tokenizer, until its next call. */
int tokenizer_decode(struct tokenizer *tokenizer, const uint32_t *ids, size_t count,
                     const char **text, size_t *size, char *message, size_t message_capacity);
/* Bytes of text that the token stands for; 0: none, or no such token. */
uint32_t tokenizer_bytes(const struct tokenizer *tokenizer, uint32_t id);
void tokenizer_free(struct tokenizer *tokenizer);

#ifdef __cplusplus
}
#endif
#endif
