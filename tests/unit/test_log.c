/* Log lines: how often a text is shown, and the files of the ranks. Time is the test's own. */
#include "temp_dir.h"
#include "cmocka_all.h"

#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include "lrsearch/log.h"

static char folder[256];
static uint64_t now_ms;
static int own_stderr = -1;

static uint64_t test_now_ms(void)
{
    return now_ms;
}

static const char *in_folder(const char *name)
{
    static char path[400];
    snprintf(path, sizeof(path), "%s/%s", folder, name);
    return path;
}

static int set_up(void **state)
{
    (void)state;
    if (temp_dir_make(folder, sizeof(folder)))
        return -1;
    now_ms = UINT64_C(1767225600123); /* 2026-01-01T00:00:00.123Z */
    lr_log_clock_set(test_now_ms);
    lr_log_level_set(LR_LOG_INFO);
    lr_log_rank_set(0);
    own_stderr = dup(STDERR_FILENO);
    int to = open(in_folder("stderr"), O_RDWR | O_CREAT | O_TRUNC | O_APPEND, 0600);
    dup2(to, STDERR_FILENO);
    close(to);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    lr_log_files(NULL, "", 1, 0);
    now_ms += 120000; /* nothing of this test is held back in the next */
    lr_log_flush(true);
    lr_log_rank_set(0);
    lr_log_clock_set(NULL);
    dup2(own_stderr, STDERR_FILENO);
    close(own_stderr);
    temp_dir_remove(folder);
    return 0;
}

/* The whole file, static; "" when there is none. */
static const char *contents(const char *name)
{
    static char text[100000];
    FILE *file = fopen(in_folder(name), "r");
    size_t length = file ? fread(text, 1, sizeof(text) - 1, file) : 0;
    text[length] = '\0';
    if (file)
        fclose(file);
    return text;
}

static size_t lines_of(const char *name)
{
    size_t count = 0;
    for (const char *at = contents(name); *at; at++)
        count += *at == '\n';
    return count;
}

static long size_of(const char *name)
{
    struct stat status;
    return stat(in_folder(name), &status) ? -1 : (long)status.st_size;
}

static void a_text_is_shown_ten_times_a_minute(void **state)
{
    (void)state;
    for (int i = 1; i <= 133; i++)
        lr_log(LR_LOG_WARNING, "trial %d: lost", i);
    lr_log(LR_LOG_WARNING, "something else");
    assert_int_equal(lines_of("stderr"), 11);
    assert_non_null(strstr(contents("stderr"), "lrsearch: warning: trial 10: lost\n"));
    assert_null(strstr(contents("stderr"), "trial 11"));
    now_ms += 59999;
    lr_log_flush(false);
    assert_int_equal(lines_of("stderr"), 11);
    now_ms += 1;
    lr_log_flush(false);
    assert_int_equal(lines_of("stderr"), 12);
    assert_non_null(
        strstr(contents("stderr"), "lrsearch: warning: trial 133: lost ... 123 times more\n"));
    lr_log(LR_LOG_WARNING, "trial 134: lost"); /* another minute */
    assert_non_null(strstr(contents("stderr"), "lrsearch: warning: trial 134: lost\n"));
}

static void the_next_line_tells_too_and_so_does_the_end(void **state)
{
    (void)state;
    for (int i = 0; i < 12; i++)
        lr_log(LR_LOG_INFO, "again");
    now_ms += 60000;
    lr_log(LR_LOG_INFO, "something else");
    assert_non_null(
        strstr(contents("stderr"), "lrsearch: again ... 2 times more\nlrsearch: something else\n"));
    for (int i = 0; i < 13; i++)
        lr_log(LR_LOG_INFO, "again");
    lr_log_flush(true);
    assert_non_null(strstr(contents("stderr"), "lrsearch: again ... 3 times more\n"));
}

static void errors_and_what_verbose_shows_are_never_held_back(void **state)
{
    (void)state;
    lr_log_level_set(LR_LOG_DEBUG);
    for (int i = 0; i < 30; i++) {
        lr_log(LR_LOG_ERROR, "bad");
        lr_log(LR_LOG_DEBUG, "detail");
    }
    assert_int_equal(lines_of("stderr"), 60);
}

static void many_texts_are_told_apart(void **state)
{
    (void)state;
    for (int round = 0; round < 2; round++)
        for (char a = 'a'; a <= 'z'; a++)
            for (char b = 'a'; b <= 'd'; b++) /* more than are kept */
                lr_log(LR_LOG_WARNING, "%c%c", a, b);
    assert_int_equal(lines_of("stderr"), 208);
}

static void sixty_four_ranks_show_it_once_each(void **state)
{
    (void)state;
    lr_log_rank_set(63);
    lr_log_files(folder, "node7", 64, LR_LOG_CAMPAIGN_BYTES);
    for (int i = 0; i < 20; i++)
        lr_log(LR_LOG_WARNING, "checkpoint not written");
    assert_string_equal(contents("stderr"), "lrsearch[63]: warning: checkpoint not written\n");
    assert_int_equal(lines_of("logs/rank-0063.log"), 20);
}

static void a_line_of_the_file_has_time_rank_host_and_level(void **state)
{
    (void)state;
    struct stat status;
    lr_log_level_set(LR_LOG_ERROR); /* as quiet as it can be: the file has all */
    lr_log_rank_set(3);
    lr_log_files(in_folder("run"), "node7", 4, LR_LOG_CAMPAIGN_BYTES);
    lr_log(LR_LOG_WARNING, "before the directory is there");
    assert_int_equal(size_of("run"), -1);
    mkdir(in_folder("run"), 0700);
    now_ms += 1500;
    lr_log(LR_LOG_DEBUG, "two\nlines\033[31m");
    assert_string_equal(
        contents("run/logs/rank-0003.log"),
        "2026-01-01T00:00:00.123Z rank 3 node7 warning: before the directory is there\n"
        "2026-01-01T00:00:01.623Z rank 3 node7 debug: two?lines?[31m\n");
    assert_string_equal(contents("stderr"), "");
    assert_int_equal(stat(in_folder("run/logs/rank-0003.log"), &status), 0);
    assert_int_equal(status.st_mode & 0777, 0600);
    assert_int_equal(stat(in_folder("run/logs"), &status), 0);
    assert_int_equal(status.st_mode & 0777, 0700);
}

static void a_full_file_is_rotated_once(void **state)
{
    (void)state;
    lr_log_level_set(LR_LOG_ERROR);
    lr_log_files(folder, "h", 2, 8000); /* 2000 bytes a file */
    for (int i = 0; i < 200; i++)
        lr_log(LR_LOG_INFO, "line %03d of two hundred that are all equally long", i);
    assert_in_range(size_of("logs/rank-0000.log"), 1, 2000);
    assert_in_range(size_of("logs/rank-0000.1.log"), 1900, 2000);
    assert_non_null(strstr(contents("logs/rank-0000.log"), "line 199"));
    assert_null(strstr(contents("logs/rank-0000.1.log"), "line 199"));
    /* The next start appends; one with more ranks has smaller files. */
    lr_log_files(folder, "h", 2, 8000);
    lr_log(LR_LOG_INFO, "again");
    assert_non_null(strstr(contents("logs/rank-0000.log"), "line 199"));
    lr_log_files(folder, "h", 40, 8000);
    lr_log(LR_LOG_INFO, "again");
    assert_int_equal(size_of("logs/rank-0000.1.log"), -1);
    assert_in_range(size_of("logs/rank-0000.log"), 1, 100);
}

static void files_of_a_larger_start_count(void **state)
{
    (void)state;
    lr_log_level_set(LR_LOG_ERROR);
    mkdir(in_folder("logs"), 0700);
    fclose(fopen(in_folder("logs/rank-0019.log"), "w"));
    lr_log_files(folder, "h", 1, 40000); /* 1000 bytes for each of 20 ranks, not 20000 */
    for (int i = 0; i < 100; i++)
        lr_log(LR_LOG_INFO, "line %03d of one hundred that are all equally long", i);
    assert_in_range(size_of("logs/rank-0000.log"), 1, 1000);
}

static void one_that_cannot_be_written_is_one_warning(void **state)
{
    (void)state;
    fclose(fopen(in_folder("logs"), "w")); /* in the way of the directory */
    lr_log_files(folder, "h", 2, LR_LOG_CAMPAIGN_BYTES);
    for (int i = 0; i < 5; i++)
        lr_log(LR_LOG_INFO, "text");
    assert_int_equal(lines_of("stderr"), 6);
    assert_non_null(strstr(contents("stderr"),
                           "/logs/rank-0000.log: cannot be written: Not a directory; going on "
                           "without a log\n"));
    lr_log_rank_set(1); /* rank 0 says it for all */
    lr_log_files(folder, "h", 2, LR_LOG_CAMPAIGN_BYTES);
    lr_log(LR_LOG_INFO, "text");
    assert_int_equal(lines_of("stderr"), 7);
}

static void a_line_at_the_bottom_stays_there(void **state)
{
    (void)state;
    lr_log_transient("half done");
    lr_log(LR_LOG_INFO, "text");
    lr_log_transient(NULL);
    assert_string_equal(contents("stderr"), "half done\r\033[Klrsearch: text\nhalf done\r\033[K");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_text_is_shown_ten_times_a_minute, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_next_line_tells_too_and_so_does_the_end, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(errors_and_what_verbose_shows_are_never_held_back, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(many_texts_are_told_apart, set_up, tear_down),
        cmocka_unit_test_setup_teardown(sixty_four_ranks_show_it_once_each, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_line_of_the_file_has_time_rank_host_and_level, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_full_file_is_rotated_once, set_up, tear_down),
        cmocka_unit_test_setup_teardown(files_of_a_larger_start_count, set_up, tear_down),
        cmocka_unit_test_setup_teardown(one_that_cannot_be_written_is_one_warning, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_line_at_the_bottom_stays_there, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
