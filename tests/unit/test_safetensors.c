/* safetensors files: the round trip, bytes of another writer, each damage by its text. */
#include "safetensors_case.h"

#include <math.h>
#include <sys/stat.h>

/* Length, header as given, then `data_size` bytes 0, 1, 2... */
static void write_raw(const char *header, size_t length, size_t data_size)
{
    unsigned char bytes[1024] = {0};
    assert_true(8 + length + data_size <= sizeof(bytes));
    for (int i = 0; i < 8; i++)
        bytes[i] = (unsigned char)((uint64_t)length >> (8 * i));
    memcpy(bytes + 8, header, length);
    for (size_t i = 0; i < data_size; i++)
        bytes[8 + length + i] = (unsigned char)i;
    write_file(bytes, 8 + length + data_size);
}

/* As write_raw(), the header padded so that the data is aligned. */
static void write_header(const char *header, size_t data_size)
{
    char padded[900];
    size_t length = (strlen(header) + 7) / 8 * 8;
    assert_true(length < sizeof(padded));
    snprintf(padded, sizeof(padded), "%-*s", (int)length, header);
    write_raw(padded, length, data_size);
}

static void assert_refused(int code, const char *rest)
{
    struct safetensors *file = (struct safetensors *)&err; /* anything but NULL */
    int rc = safetensors_open(&file, path, &err);
    assert_null(file);
    assert_error(rc, code, rest);
}

static const float floats[6] = {1.5f, -0.0f, 3e-42f, 4, 5, 6};
static const uint64_t words[2] = {UINT64_MAX, 1};
static const uint8_t octets[3] = {7, 8, 255};
static void test_round_trip(void **state)
{
    (void)state;
    float special[6];
    memcpy(special, floats, sizeof(special));
    special[3] = NAN;
    special[4] = -INFINITY;
    const struct st_tensor tensors[] = {
        {.name = "octets", .dtype = ST_U8, .rank = 1, .shape = {3}, .data = octets},
        {.name = "w\xc3\xa4rme \"1\"",
         .dtype = ST_F32,
         .rank = 2,
         .shape = {2, 3},
         .data = special},
        {.name = "step", .dtype = ST_I32, .rank = 0, .data = &step},
        {.name = "words", .dtype = ST_U64, .rank = 4, .shape = {1, 2, 1, 1}, .data = words},
        {.name = "nothing", .dtype = ST_F32, .rank = 2, .shape = {4, 0}},
        {.name = "loss", .dtype = ST_F64, .rank = 0, .data = &loss},
    };
    static const size_t order[] = {3, 5, 1, 2,
                                   0}; /* wide ones first; "nothing" lies where it may */
    const struct st_pair metadata[] = {{"format", "pt"}, {"note", ""}};
    struct safetensors *file;
    assert_int_equal(safetensors_write(path, tensors, COUNT(tensors), metadata, 2, &err), 0);
    assert_int_equal(files_in_folder(), 1);
    assert_int_equal(safetensors_open(&file, path, &err), 0);
    assert_int_equal(safetensors_count(file), COUNT(tensors));
    assert_null(safetensors_at(file, COUNT(tensors)));
    size_t next = 0;
    for (size_t i = 0; i < COUNT(tensors); i++) {
        const struct st_tensor *found = safetensors_at(file, i);
        if (strcmp(found->name, "nothing") != 0)
            assert_string_equal(found->name, tensors[order[next++]].name);
    }
    assert_int_equal(next, COUNT(order));
    for (size_t i = 0; i < COUNT(tensors); i++) {
        const struct st_tensor *found = safetensors_find(file, tensors[i].name);
        uint64_t bytes;
        assert_non_null(found);
        assert_string_equal(found->name, tensors[i].name);
        assert_int_equal(found->dtype, tensors[i].dtype);
        assert_int_equal(found->rank, tensors[i].rank);
        assert_memory_equal(found->shape, tensors[i].shape, sizeof(found->shape));
        assert_int_equal(st_tensor_bytes(found, &bytes, NULL), 0);
        assert_int_equal((uintptr_t)found->data % st_dtype_size(found->dtype), 0);
        if (bytes)
            assert_memory_equal(found->data, tensors[i].data, bytes);
    }
    assert_int_equal((uintptr_t)safetensors_at(file, 0)->data % 64, 0);
    assert_null(safetensors_find(file, "absent"));
    assert_null(safetensors_find(file, "__metadata__"));
    assert_string_equal(safetensors_metadata(file, "format"), "pt");
    assert_string_equal(safetensors_metadata(file, "note"), "");
    assert_null(safetensors_metadata(file, "absent"));
    safetensors_close(file);
    safetensors_close(NULL);
}

static void test_bytes_written(void **state)
{
    (void)state;
    static const char header[] = "{\"__metadata__\":{\"format\":\"pt\"},"
                                 "\"a\":{\"dtype\":\"I32\",\"shape\":[],\"data_offsets\":[0,4]}}";
    unsigned char bytes[256], wanted[132];
    const struct st_tensor tensor = {.name = "a", .dtype = ST_I32, .data = &step};
    const struct st_pair metadata = {"format", "pt"};
    memset(wanted, ' ', sizeof(wanted));
    memcpy(wanted, "\x78\0\0\0\0\0\0\0", 8);
    memcpy(wanted + 8, header, sizeof(header) - 1);
    memcpy(wanted + 128, "\xf4\xff\xff\xff", 4);
    assert_int_equal(safetensors_write(path, &tensor, 1, &metadata, 1, &err), 0);
    assert_int_equal(read_file(bytes, sizeof(bytes)), sizeof(wanted));
    assert_memory_equal(bytes, wanted, sizeof(wanted));
}

static void test_no_tensors(void **state)
{
    (void)state;
    struct safetensors *file;
    unsigned char bytes[100];
    assert_int_equal(safetensors_write(path, NULL, 0, NULL, 0, &err), 0);
    assert_int_equal(read_file(bytes, sizeof(bytes)), 64);
    assert_memory_equal(bytes, "\x38\0\0\0\0\0\0\0{}  ", 12);
    assert_int_equal(safetensors_open(&file, path, &err), 0);
    assert_int_equal(safetensors_count(file), 0);
    assert_null(safetensors_at(file, 0));
    assert_null(safetensors_metadata(file, "format"));
    safetensors_close(file);
}

/* As the Python library writes it: keys in its order, padded to 8, spaces after colons or not. */
static void test_other_writer(void **state)
{
    (void)state;
    static const unsigned char bytes[] =
        "\xa8\0\0\0\0\0\0\0"
        "{\"__metadata__\":{\"format\":\"pt\"},"
        "\"b\":{\"dtype\":\"F32\",\"shape\":[1,2],\"data_offsets\":[8,16]}, "
        "\"a\": {\"data_offsets\": [0, 8], \"extra\": null, \"shape\": [1], \"dtype\": \"I64\"}}"
        "    "
        "\xfe\xff\xff\xff\xff\xff\xff\xff"
        "\0\0\x80\x3f"
        "\0\0\0\xc0";
    struct safetensors *file;
    write_file(bytes, sizeof(bytes) - 1);
    int rc = safetensors_open(&file, path, &err);
    assert_string_equal(err.text, "");
    assert_int_equal(rc, 0);
    assert_int_equal(safetensors_count(file), 2);
    assert_string_equal(safetensors_at(file, 0)->name, "a");
    assert_int_equal(*(const int64_t *)safetensors_at(file, 0)->data, -2);
    const struct st_tensor *b = safetensors_find(file, "b");
    assert_int_equal(b->rank, 2);
    assert_int_equal(b->shape[1], 2);
    assert_true(((const float *)b->data)[0] == 1.0f && ((const float *)b->data)[1] == -2.0f);
    assert_string_equal(safetensors_metadata(file, "format"), "pt");
    safetensors_close(file);
}

#define MEND ": write it again, or take another copy"
#define ONE(dtype, shape, offsets)                                                                 \
    "{\"a\":{\"dtype\":" dtype ",\"shape\":" shape ",\"data_offsets\":" offsets "}}"
#define TWO(first, second)                                                                         \
    "{\"a\":{\"dtype\":\"U8\",\"shape\":[4],\"data_offsets\":" first                               \
    "},\"b\":{\"dtype\":\"U8\",\"shape\":[4],\"data_offsets\":" second "}}"

static void test_damaged_headers(void **state)
{
    (void)state;
    static const char no_shape[] = "tensor \"a\": \"shape\" has something else than whole numbers "
                                   "from 0 up" MEND;
    static const char too_large[] =
        "tensor \"a\": its shape is too large to be counted in bytes" MEND;
    static const char no_offsets[] =
        "tensor \"a\": \"data_offsets\" must be two whole numbers from "
        "0 up, the smaller one first" MEND;
    static const struct {
        const char *header;
        size_t data;
        const char *text;
    } cases[] = {
        {"[1]", 0, "is no safetensors file: its header does not begin with {"},
        {" {}", 0, "is no safetensors file: its header does not begin with {"},
        {"", 0, "is no safetensors file: its header does not begin with {"},
        {"{\"a\":}", 0,
         "the header is no good JSON: unexpected token near '}' (byte 6 of it)" MEND},
        {"{\"a\":{}}}", 0,
         "the header is no good JSON: end of file expected near '}' (byte 9 of it)" MEND},
        {"{\"a\":1,\"a\":2}", 0,
         "the header is no good JSON: duplicate object key near '\"a\"' (byte 10 of it)" MEND},
        {"{\"__metadata__\":[]}", 0, "\"__metadata__\" is no object" MEND},
        {"{\"__metadata__\":{\"k\":1}}", 0, "\"__metadata__\": \"k\" is no text" MEND},
        {"{\"a\":1}", 0, "tensor \"a\": it has no \"dtype\" that is a text" MEND},
        {"{\"\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1]}}", 1,
         "a tensor has no name" MEND},
        {ONE("4", "[]", "[0,4]"), 4, "tensor \"a\": it has no \"dtype\" that is a text" MEND},
        {ONE("\"BF16\"", "[2]", "[0,4]"), 4,
         "tensor \"a\": dtype \"BF16\" cannot be read here: write it as F32, F64, I32, I64, U32, "
         "U64 or U8"},
        {ONE("\"F32\"", "1", "[0,4]"), 4, "tensor \"a\": \"shape\" is no list" MEND},
        {ONE("\"F32\"", "[1,1,1,1,1]", "[0,4]"), 4,
         "tensor \"a\": it has 5 dimensions, and 4 are the most: write it with fewer"},
        {ONE("\"F32\"", "[-1]", "[0,4]"), 4, no_shape},
        {ONE("\"F32\"", "[1.0]", "[0,4]"), 4, no_shape},
        {ONE("\"F32\"", "[4294967296,4294967296]", "[0,0]"), 0, too_large},
        {ONE("\"F32\"", "[4611686018427387904]", "[0,0]"), 0, too_large},
        {ONE("\"F32\"", "[1]", "4"), 4, no_offsets},
        {ONE("\"F32\"", "[1]", "[0,4,8]"), 4, no_offsets},
        {ONE("\"F32\"", "[1]", "[-4,0]"), 4, no_offsets},
        {ONE("\"F32\"", "[1]", "[4,0]"), 4, no_offsets},
        {ONE("\"F32\"", "[1]", "[0,4.0]"), 4, no_offsets},
        {ONE("\"F32\"", "[2]", "[0,4]"), 4,
         "tensor \"a\": its shape needs 8 bytes, but \"data_offsets\" give it 4" MEND},
        {ONE("\"F32\"", "[1]", "[0,8]"), 8,
         "tensor \"a\": its shape needs 4 bytes, but \"data_offsets\" give it 8" MEND},
        {ONE("\"F32\"", "[2]", "[0,8]"), 5, "is cut short: 3 bytes of data are missing" MEND},
        {ONE("\"F32\"", "[1]", "[0,4]"), 6,
         "2 bytes after the last tensor belong to no tensor" MEND},
        {TWO("[0,4]", "[2,6]"), 6, "tensors \"a\" and \"b\" overlap" MEND},
        {TWO("[0,4]", "[0,4]"), 4, "tensors \"a\" and \"b\" overlap" MEND},
        {TWO("[6,10]", "[0,4]"), 10,
         "2 bytes of data before tensor \"a\" belong to no tensor" MEND},
        {TWO("[9223372036854775803,9223372036854775807]", "[0,4]"), 4,
         "9223372036854775799 bytes of data before tensor \"a\" belong to no tensor" MEND},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        size_t length = strlen(cases[i].header);
        /* the bytes that jansson tells are counted without padding */
        if (strstr(cases[i].text, "JSON"))
            write_raw(cases[i].header, length, cases[i].data);
        else
            write_header(cases[i].header, cases[i].data);
        assert_refused(LR_EDATA, cases[i].text);
    }
    write_raw("{\"a\":\"\xff\"}", 9, 0);
    assert_refused(LR_EDATA, "the header is no good JSON: unable to decode byte 0xff near '\"' "
                             "(byte 6 of it)" MEND);
}

static void test_damaged_files(void **state)
{
    (void)state;
    assert_refused(LR_EIO, "cannot open it: No such file or directory");
    write_file("", 0);
    assert_refused(LR_EDATA, "has 0 bytes, too few for a safetensors file" MEND);
    write_file("\2\0\0\0\0\0\0", 7);
    assert_refused(LR_EDATA, "has 7 bytes, too few for a safetensors file" MEND);
    write_file("\2\0\0\0\0\0\0\0{", 9);
    assert_refused(LR_EDATA, "is cut short: 1 bytes of the header are missing" MEND);
    write_file("\0\0\x40\6\0\0\0\0{}", 10); /* the limit itself: taken for a length */
    assert_refused(LR_EDATA, "is cut short: 104857598 bytes of the header are missing" MEND);
    write_file("\1\0\x40\6\0\0\0\0{}", 10);
    assert_refused(LR_EDATA, "is no safetensors file: its header would have 104857601 bytes, and "
                             "the limit is 104857600");
    write_file("\xff\xff\xff\xff\xff\xff\xff\xff{}", 10);
    assert_refused(LR_EDATA, "is no safetensors file: its header would have 18446744073709551615 "
                             "bytes, and the limit is 104857600");
    char header[] = ONE("\"F32\"", "[1]", "[0,4]") " ";
    size_t length = strlen(header) / 4 * 4 + 1;
    char odd[100];
    snprintf(odd, sizeof(odd), "%-*s", (int)length + 4, header);
    write_raw(odd, length + 4, 4);
    char wanted[300];
    snprintf(wanted, sizeof(wanted),
             "tensor \"a\": its data starts at byte %zu of the file, which is no multiple of F32's "
             "4 bytes: write it again with a padded header and the widest elements first",
             length + 12);
    assert_refused(LR_EDATA, wanted);
    assert_int_equal(remove(path), 0);
    assert_int_equal(mkdir(path, 0700), 0);
    assert_refused(LR_EDATA, "is no regular file");
}

/* Whatever the length at which a copy stopped, it is told, and never as another kind of damage. */
static void test_every_cut(void **state)
{
    (void)state;
    unsigned char bytes[512];
    const struct st_tensor tensors[] = {
        {.name = "f", .dtype = ST_F32, .rank = 1, .shape = {6}, .data = floats},
        {.name = "w", .dtype = ST_U64, .rank = 1, .shape = {2}, .data = words},
    };
    assert_int_equal(safetensors_write(path, tensors, 2, NULL, 0, &err), 0);
    size_t size = read_file(bytes, sizeof(bytes));
    assert_int_equal(size, 128 + 40);
    for (size_t cut = 0; cut < size; cut++) {
        char wanted[200];
        write_file(bytes, cut);
        if (cut < 8)
            snprintf(wanted, sizeof(wanted), "has %zu bytes, too few for a safetensors file", cut);
        else
            snprintf(wanted, sizeof(wanted), "is cut short: %zu bytes of %s are missing",
                     (cut < 128 ? 128 : size) - cut, cut < 128 ? "the header" : "data");
        strcat(wanted, MEND);
        assert_refused(LR_EDATA, wanted);
    }
}

/* A reader keeps what it opened while a newer file takes its place; a bare name is written too. */
static void test_replaced_while_open(void **state)
{
    (void)state;
    char here[1024];
    struct safetensors *first, *second;
    const struct st_tensor old = {.name = "x", .dtype = ST_I32, .data = &step};
    const struct st_tensor new = {.name = "x", .dtype = ST_F64, .data = &loss};
    assert_int_equal(safetensors_write(path, &old, 1, NULL, 0, &err), 0);
    assert_int_equal(safetensors_open(&first, path, &err), 0);
    assert_non_null(getcwd(here, sizeof(here)));
    assert_int_equal(chdir(folder), 0);
    int rc = safetensors_write("m.safetensors", &new, 1, NULL, 0, &err);
    assert_int_equal(chdir(here), 0);
    assert_int_equal(rc, 0);
    assert_int_equal(safetensors_open(&second, path, &err), 0);
    assert_int_equal(*(const int32_t *)safetensors_at(first, 0)->data, step);
    assert_true(*(const double *)safetensors_at(second, 0)->data == loss);
    safetensors_close(first);
    safetensors_close(second);
}

/* Some of jansson's allocations end as bad JSON; what counts is that no half-read file is given. */
static void test_open_without_memory(void **state)
{
    (void)state;
    static const char bad_json[] = "the header is no good JSON: ";
    int rc = -1;
    long n = 0, told = 0;
    write_header(ONE("\"F32\"", "[1]", "[0,4]"), 4);
    for (struct safetensors *file = NULL; rc; n++) {
        lr_memory_fail_after(n);
        rc = safetensors_open(&file, path, &err);
        lr_memory_fail_after(-1);
        assert_true((rc == 0) == (file != NULL));
        if (rc == LR_ENOMEM) {
            told++;
            assert_error(rc, LR_ENOMEM, "out of memory");
        } else if (rc) {
            assert_int_equal(rc, LR_EDATA);
            assert_non_null(strstr(err.text, bad_json));
            memset(&err, 0, sizeof(err));
        }
        if (!rc) {
            assert_int_equal(safetensors_count(file), 1);
            assert_non_null(safetensors_find(file, "a"));
        }
        safetensors_close(file);
        file = NULL;
    }
    assert_true(n > 10 && told > 5); /* jansson's are among them */
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_round_trip),   TEST(test_bytes_written),       TEST(test_no_tensors),
        TEST(test_other_writer), TEST(test_damaged_headers),     TEST(test_damaged_files),
        TEST(test_every_cut),    TEST(test_replaced_while_open), TEST(test_open_without_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
