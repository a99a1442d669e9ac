/* Any bytes as a safetensors file. Bytes that begin with { are a header up to the first NUL, and
 * data behind it: their length is put before them, and the header is padded so that the data are
 * aligned. Others are the file as it is. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "data/safetensors.h"
#include "fuzz_input.h"
#include "lrsearch/memory.h"

enum { LENGTH = 8, ALIGNMENT = 8, TENSORS_MOST = 64, FILE_MOST = 1 << 16 };

/* The tensors cover `data`, one after the other. */
static void check_good(const struct safetensors *file, const char *data, size_t size)
{
    struct st_tensor tensors[TENSORS_MOST];
    size_t count = safetensors_count(file), at = 0;
    for (size_t i = 0; i < count; i++) {
        const struct st_tensor *tensor = safetensors_at(file, i);
        uint64_t bytes;
        DEMAND(tensor && st_tensor_bytes(tensor, &bytes, NULL) == 0);
        DEMAND(bytes <= size - at);
        DEMAND((uintptr_t)tensor->data % st_dtype_size(tensor->dtype) == 0);
        DEMAND(memcmp(tensor->data, data + at, bytes) == 0);
        DEMAND(tensor->name[0] && strcmp(tensor->name, "__metadata__") != 0);
        DEMAND(safetensors_find(file, tensor->name) == tensor);
        at += bytes;
        tensors[i % TENSORS_MOST] = *tensor;
    }
    DEMAND(at == size && !safetensors_at(file, count));
    if (count > TENSORS_MOST)
        return;

    char path[128];
    struct lr_error err = {0};
    struct safetensors *again;
    snprintf(path, sizeof(path), "%s/x.safetensors", fuzz_folder());
    if (safetensors_write(path, tensors, count, NULL, 0, &err) ||
        safetensors_open(&again, path, &err)) {
        fprintf(stderr, "%s\n", err.text);
        DEMAND(false);
    }
    DEMAND(unlink(path) == 0 && safetensors_count(again) == count);
    for (size_t i = 0; i < count; i++) {
        const struct st_tensor *tensor = safetensors_find(again, tensors[i].name);
        uint64_t bytes;
        DEMAND(tensor && st_tensor_bytes(tensor, &bytes, NULL) == 0);
        DEMAND(tensor->dtype == tensors[i].dtype && tensor->rank == tensors[i].rank);
        DEMAND(memcmp(tensor->shape, tensors[i].shape, tensor->rank * sizeof(uint64_t)) == 0);
        DEMAND(memcmp(tensor->data, tensors[i].data, bytes) == 0);
    }
    safetensors_close(again);
}

/* `header` bytes of JSON, then the data, into `file`; where the data begin. */
static size_t put_together(char *file, const char *header, size_t length, const char *data,
                           size_t size)
{
    size_t padded = (length + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    for (size_t i = 0; i < LENGTH; i++)
        file[i] = (char)(unsigned char)((uint64_t)padded >> (8 * i));
    memcpy(file + LENGTH, header, length);
    memset(file + LENGTH + length, ' ', padded - length);
    memcpy(file + LENGTH + padded, data, size);
    return LENGTH + padded;
}

static int open_file(struct safetensors **file, const char *path)
{
    struct lr_error err = {0};
    int rc = safetensors_open(file, path, &err);
    DEMAND((rc == 0) == (*file != NULL));
    DEMAND(rc == 0 || err.text[0]);
    return rc;
}

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t size)
{
    static struct memory_file memory;
    static char bytes[FILE_MOST + LENGTH + ALIGNMENT];
    struct safetensors *file;
    long countdown = fuzz_take_countdown(&input, &size);
    const char *text = (const char *)input;
    if (size > FILE_MOST)
        return 0;
    if (!memory.path[0])
        memory = memory_file_create("safetensors");
    const char *nul = size && *text == '{' ? memchr(text, 0, size) : NULL;
    size_t begin = 0, rest = 0;
    if (size && *text == '{') {
        size_t length = nul ? (size_t)(nul - text) : size;
        rest = size - length - (nul ? 1 : 0);
        begin = put_together(bytes, text, length, nul ? nul + 1 : "", rest);
        size = begin + rest;
    } else {
        memcpy(bytes, text, size);
        uint64_t length = 0;
        for (size_t i = 0; size >= LENGTH && i < LENGTH; i++)
            length |= (uint64_t)input[i] << (8 * i);
        begin = length <= size ? LENGTH + (size_t)length : size;
        rest = size - (begin < size ? begin : size);
    }
    memory_file_fill(&memory, bytes, size);
    int rc = open_file(&file, memory.path);
    if (rc == 0)
        check_good(file, bytes + begin, rest);
    safetensors_close(file);
    if (countdown >= 0) {
        lr_memory_fail_after(countdown);
        int with = open_file(&file, memory.path);
        lr_memory_fail_after(-1);
        fuzz_demand_same(with, rc);
        safetensors_close(file);
    }
    return 0;
}
