/* The lock of a run's directory, on a clock of the test's own: while `take` sleeps, the test plays
 * the other hosts. */
#include "temp_dir.h"
#include "cmocka_all.h"

#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include "lrsearch/log.h"
#include "lrsearch/memory.h"
#include "store/run_dir.h"
#include "store/run_lock.h"

static const struct run_owner self = {"node1", 0x1234, 100};
static const struct run_owner neighbour = {"node1", 0x1234, 200}; /* the same host */
static const struct run_owner stranger = {"node2", UINT64_MAX - 1, 100};

static char folder[256], path[300];
static bool neighbour_lives;
static struct {
    uint64_t now_ms;
    void (*at_each)(void); /* after each sleep */
    uint64_t once_ms;      /* when `once` is due; 0: never */
    void (*once)(void);
    bool at_end; /* `once` at the long sleep alone */
} world;

static uint64_t now_ms(void *context)
{
    (void)context;
    return world.now_ms;
}

static void sleep_ms(void *context, uint64_t duration_ms)
{
    (void)context;
    assert_true(duration_ms > 0);
    world.now_ms += duration_ms;
    if (world.at_each)
        world.at_each();
    if (world.once && world.now_ms >= world.once_ms && (!world.at_end || duration_ms >= 1000)) {
        void (*once)(void) = world.once;
        world.once = NULL;
        once();
    }
}

static const struct run_lock_clock clock_ = {NULL, now_ms, sleep_ms};

static bool alive(const struct run_owner *owner)
{
    assert_int_equal(owner->host_id, self.host_id); /* of others it cannot be known */
    return neighbour_lives;
}

static int set_up(void **state)
{
    (void)state;
    memset(&world, 0, sizeof(world));
    world.now_ms = 5000;
    neighbour_lives = false;
    lr_log_level_set(LR_LOG_ERROR);
    if (temp_dir_make(folder, sizeof(folder)))
        return -1;
    snprintf(path, sizeof(path), "%s/lock", folder);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    temp_dir_remove(folder);
    return 0;
}

static struct run_lock *take_as(const struct run_owner *owner)
{
    struct run_lock *lock = NULL;
    struct lr_error err = {0};
    if (run_lock_take(&lock, folder, owner, alive, &clock_, 0, &err))
        fail_msg("%s", err.text);
    assert_non_null(lock);
    return lock;
}

static void refused(const char *text)
{
    struct run_lock *lock = NULL;
    struct lr_error err = {0};
    assert_int_equal(run_lock_take(&lock, folder, &self, alive, &clock_, 0, &err), LR_EIO);
    assert_null(lock);
    if (!strstr(err.text, text) || !strstr(err.text, path))
        fail_msg("%s", err.text);
}

static char *lock_text(void)
{
    char *text;
    assert_int_equal(run_dir_read(folder, "lock", &text, NULL), 0);
    return text;
}

static void assert_held_by(const struct run_owner *owner)
{
    char *text = lock_text(), expected[128];
    assert_non_null(text);
    snprintf(expected, sizeof(expected), "{\"host\":\"%s\",\"pid\":%llu,\"host_id\":\"%016llx\",",
             owner->host, (unsigned long long)owner->pid, (unsigned long long)owner->host_id);
    if (strncmp(text, expected, strlen(expected)) != 0)
        fail_msg("%s instead of %s", text, expected);
    lr_free(text);
}

static void assert_only_lock(bool there)
{
    char command[400];
    snprintf(command, sizeof(command), "test \"$(ls -A '%s')\" = '%s'", folder,
             there ? "lock" : "");
    assert_int_equal(system(command), 0);
}

/* As a process that was killed leaves it. */
static void leave_lock(const struct run_owner *owner)
{
    struct run_lock *lock = take_as(owner);
    char *text = lock_text();
    run_lock_release(lock);
    assert_int_equal(run_dir_write(folder, "lock", text, strlen(text), NULL), 0);
    lr_free(text);
}

static void touch(void)
{
    static long second = 1000000000;
    second++;
    struct timespec times[2] = {{.tv_sec = second}, {.tv_sec = second}};
    assert_int_equal(utimensat(AT_FDCWD, path, times, 0), 0);
}

static void remove_lock(void)
{
    assert_int_equal(remove(path), 0);
}

static void taken_and_released(void **state)
{
    (void)state;
    struct stat status;
    struct run_lock *lock = take_as(&self);
    assert_held_by(&self);
    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(status.st_mode & 0777, 0600);
    assert_only_lock(true);
    touch();
    assert_true(run_lock_beat(lock));
    assert_int_equal(stat(path, &status), 0);
    assert_true(status.st_mtim.tv_sec > 1500000000);
    char *text = lock_text();
    assert_int_equal(text[strlen(text) - 1], '\n');
    assert_non_null(strstr(text, ",\"started_utc\":\"20"));
    lr_free(text);
    run_lock_release(lock);
    assert_only_lock(false);
    assert_int_equal(world.now_ms, 5000);
    run_lock_release(NULL);
    assert_true(run_lock_beat(NULL));
}

static void a_dead_neighbours_lock_is_broken(void **state)
{
    (void)state;
    leave_lock(&neighbour);
    struct run_lock *lock = take_as(&self);
    assert_held_by(&self);
    assert_only_lock(true);
    assert_true(world.now_ms <= 5000 + 1000);
    run_lock_release(lock);
}

/* In a container that was started again the same pid is another process: this one. */
static void our_own_pid_is_a_dead_one(void **state)
{
    (void)state;
    leave_lock(&self);
    neighbour_lives = true;
    run_lock_release(take_as(&self));
    assert_only_lock(false);
}

static void a_living_neighbour_is_waited_for(void **state)
{
    (void)state;
    leave_lock(&neighbour);
    neighbour_lives = true;
    refused("lock: lrsearch on node1 (pid 200, since 20");
    assert_true(world.now_ms >= 15000 && world.now_ms < 16000);
    refused("wait for its end or stop it, or choose another --run-dir. If that process is no "
            "lrsearch, remove the file");
    assert_held_by(&neighbour);
    assert_only_lock(true);
    world.once_ms = world.now_ms + 3000;
    world.once = remove_lock;
    run_lock_release(take_as(&self));
}

static void wait_a_turn(int expected)
{
    struct run_lock *lock = NULL;
    struct lr_error err = {0};
    assert_int_equal(run_lock_take(&lock, folder, &self, alive, &clock_, RUN_LOCK_TURN_MS, &err),
                     expected);
    assert_true(expected ? strstr(err.text, "lrsearch on node") != NULL : lock != NULL);
    run_lock_release(lock);
}

/* As ask and tell wait, for a neighbour and for a stranger that lives. */
static void a_turn_is_waited_for_longer(void **state)
{
    (void)state;
    leave_lock(&neighbour);
    neighbour_lives = true;
    world.once_ms = 5000 + 25000;
    world.once = remove_lock;
    wait_a_turn(0);
    assert_true(world.now_ms >= 30000 && world.now_ms < 30100);
    leave_lock(&neighbour);
    wait_a_turn(LR_EIO);
    assert_true(world.now_ms >= 60000 && world.now_ms < 60200);
    remove_lock();
    leave_lock(&stranger);
    world.at_each = touch;
    wait_a_turn(LR_EIO);
    assert_true(world.now_ms >= 90000 && world.now_ms < 90300);
}

static void a_silent_stranger_is_dead(void **state)
{
    (void)state;
    leave_lock(&stranger);
    struct run_lock *lock = take_as(&self);
    assert_true(world.now_ms >= 65000 && world.now_ms <= 67000);
    assert_held_by(&self);
    assert_only_lock(true);
    run_lock_release(lock);
}

static void a_beating_stranger_lives(void **state)
{
    (void)state;
    leave_lock(&stranger);
    world.once_ms = 5000 + RUN_LOCK_BEAT_MS;
    world.once = touch;
    refused("lock: lrsearch on node2 (pid 100, since 20");
    assert_true(world.now_ms <= 5000 + RUN_LOCK_BEAT_MS + 1000);
    assert_held_by(&stranger);
    world.once_ms = world.now_ms + 59000;
    world.once = touch; /* at the last moment */
    refused("node2");
}

static void take_by_stranger(void)
{
    remove_lock();
    leave_lock(&stranger);
    world.at_each = touch;
}

/* The lock is let go, and a third takes it first. */
static void a_new_owner_is_judged_anew(void **state)
{
    (void)state;
    leave_lock(&neighbour);
    neighbour_lives = true;
    world.once_ms = 5000 + 9000;
    world.once = take_by_stranger;
    refused("node2 (pid 100");
    assert_held_by(&stranger);
}

static void damaged_locks_are_watched(void **state)
{
    (void)state;
    static const char negative[] =
        "{\"host\":\"a\",\"pid\":-1,\"host_id\":\"0000000000001234\",\"started_utc\":\"\"}\n";
    static const char *const lines[] = {"", "{", "{\"host\":\"node1\",\"pid\":100}\n", negative,
                                        "[1]\n"};
    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
        uint64_t begun_ms = world.now_ms;
        assert_int_equal(run_dir_write(folder, "lock", lines[i], strlen(lines[i]), NULL), 0);
        run_lock_release(take_as(&self));
        assert_true(world.now_ms - begun_ms >= RUN_LOCK_SILENCE_MS);
        assert_only_lock(false);
        assert_int_equal(run_dir_write(folder, "lock", lines[i], strlen(lines[i]), NULL), 0);
        world.once_ms = world.now_ms + 15000;
        world.once = touch;
        refused("lock: another process keeps it fresh, but it does not name its owner");
        remove_lock();
    }
}

static bool take_stranger_while_asked(const struct run_owner *owner)
{
    (void)
        owner; /* another breaks the dead lock and takes it, after it was read, before the rename */
    take_by_stranger();
    return false;
}

/* Two judge the same lock dead, and the other is faster: its new lock is put back, and
 * respected. */
static void the_faster_breaker_keeps_its_lock(void **state)
{
    (void)state;
    struct run_lock *lock = NULL;
    struct lr_error err = {0};
    leave_lock(&neighbour);
    assert_int_equal(
        run_lock_take(&lock, folder, &self, take_stranger_while_asked, &clock_, 0, &err), LR_EIO);
    assert_non_null(strstr(err.text, "node2"));
    assert_held_by(&stranger);
    assert_only_lock(true);
}

/* A slow one breaks our lock while we believe to have it, and a third takes the place. */
static void who_broke_a_lock_looks_again(void **state)
{
    (void)state;
    leave_lock(&neighbour);
    world.once = take_by_stranger;
    world.at_end = true;
    refused("node2");
    assert_held_by(&stranger);
}

static void a_lock_that_was_lost_is_seen(void **state)
{
    (void)state;
    struct run_lock *lock = take_as(&self);
    remove_lock();
    assert_true(run_lock_beat(lock));
    leave_lock(&stranger);
    assert_false(run_lock_beat(lock));
    struct stat before, after;
    touch();
    assert_int_equal(stat(path, &before), 0);
    assert_false(run_lock_beat(lock));
    assert_int_equal(stat(path, &after), 0);
    assert_memory_equal(&before.st_mtim, &after.st_mtim, sizeof(before.st_mtim));
    run_lock_release(lock); /* the stranger's stays */
    assert_held_by(&stranger);
}

/* Who only looks sees the owner and each beat, and changes nothing. */
static void a_look_from_outside(void **state)
{
    (void)state;
    struct run_lock_view view, later;
    assert_int_equal(run_lock_view(&view, folder, NULL), 0);
    assert_false(view.there || view.known);
    struct run_lock *lock = take_as(&stranger);
    char *before = lock_text();
    assert_int_equal(run_lock_view(&view, folder, NULL), 0);
    assert_true(view.there && view.known);
    assert_string_equal(view.owner.host, "node2");
    assert_true(view.owner.host_id == UINT64_MAX - 1 && view.owner.pid == 100);
    assert_int_equal(strlen(view.since), strlen("2026-01-01T00:00:00Z"));
    touch();
    assert_int_equal(run_lock_view(&later, folder, NULL), 0);
    assert_true(later.changed.tv_sec != view.changed.tv_sec ||
                later.changed.tv_nsec != view.changed.tv_nsec);
    char *after = lock_text();
    assert_string_equal(before, after);
    lr_free(before);
    lr_free(after);
    assert_only_lock(true);
    run_lock_release(lock);
    struct lr_error err = {0};
    assert_int_equal(mkdir(path, 0700), 0);
    assert_int_equal(run_lock_view(&view, folder, &err), LR_EIO);
    assert_non_null(strstr(err.text, "is no file of lrsearch; move it away"));
}

/* Killed between two steps: gone when the next has the lock, unless their owner may live. */
static void leftovers_are_removed(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        bool old, stays, stays_alive;
    } cases[] = {
        {"lock.new-0000000000001234-200", false, false, true},
        {"lock.old-0000000000001234-200", false, false, true},
        {"lock.old-0000000000001234-100", false, false,
         false}, /* our own pid, of an earlier process */
        {"lock.new-fffffffffffffffe-100", false, true, true}, /* of another host */
        {"lock.old-fffffffffffffffe-101", true, false, false},
        {"lock.new-1234-200", true, true, true}, /* no name of ours */
        {"lock.new-0000000000001234-2x", true, true, true},
        {"lock.news-0000000000001234-20", true, true, true},
    };
    for (int lives = 0; lives < 2; lives++) {
        neighbour_lives = lives;
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
            char name[400];
            struct timespec times[2] = {{.tv_nsec = UTIME_NOW}, {.tv_nsec = UTIME_NOW}};
            snprintf(name, sizeof(name), "%s/%s", folder, cases[i].name);
            int fd = open(name, O_WRONLY | O_CREAT, 0600);
            assert_true(fd >= 0);
            if (cases[i].old)
                times[0] = times[1] = (struct timespec){.tv_sec = time(NULL) - 3700};
            assert_int_equal(futimens(fd, times), 0);
            close(fd);
        }
        run_lock_release(take_as(&self));
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
            char name[400];
            struct stat status;
            snprintf(name, sizeof(name), "%s/%s", folder, cases[i].name);
            bool there = stat(name, &status) == 0;
            if (there != (lives ? cases[i].stays_alive : cases[i].stays))
                fail_msg("%s: %s", cases[i].name, there ? "is there" : "is gone");
        }
    }
}

static void places_that_cannot_be(void **state)
{
    (void)state;
    struct run_lock *lock = NULL;
    struct lr_error err = {0};
    char below[300];
    snprintf(below, sizeof(below), "%s/none", folder);
    assert_int_equal(run_lock_take(&lock, below, &self, alive, &clock_, 0, &err), LR_ECREATE);
    assert_non_null(strstr(err.text, "cannot create it: No such file"));
    assert_int_equal(mkdir(path, 0700), 0);
    refused("lock: is no file of lrsearch; move it away");
    assert_int_equal(rmdir(path), 0);
    assert_int_equal(symlink("elsewhere", path), 0);
    refused("lock: cannot read it; when no lrsearch runs, remove it");
}

static void without_memory(void **state)
{
    (void)state;
    int failures = 0;
    for (long n = 0; n < 60; n++) {
        struct run_lock *lock = NULL;
        struct lr_error err = {0};
        leave_lock(&neighbour);
        lr_memory_fail_after(n);
        int rc = run_lock_take(&lock, folder, &self, alive, &clock_, 0, &err);
        lr_memory_fail_after(-1);
        failures += rc != 0;
        if (rc) {
            assert_int_equal(rc, LR_ENOMEM);
            assert_string_equal(err.text, "out of memory");
            assert_null(lock);
            assert_held_by(&neighbour);
            remove_lock();
            continue;
        }
        assert_held_by(&self);
        assert_only_lock(true);
        lr_memory_fail_after(0);
        run_lock_release(lock);
        lr_memory_fail_after(-1);
        assert_only_lock(false);
    }
    assert_in_range(failures, 15, 50);
}

int main(void)
{
#define IN_FOLDER(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        IN_FOLDER(taken_and_released),           IN_FOLDER(a_dead_neighbours_lock_is_broken),
        IN_FOLDER(our_own_pid_is_a_dead_one),    IN_FOLDER(a_living_neighbour_is_waited_for),
        IN_FOLDER(a_turn_is_waited_for_longer),  IN_FOLDER(a_silent_stranger_is_dead),
        IN_FOLDER(a_beating_stranger_lives),     IN_FOLDER(a_new_owner_is_judged_anew),
        IN_FOLDER(damaged_locks_are_watched),    IN_FOLDER(the_faster_breaker_keeps_its_lock),
        IN_FOLDER(who_broke_a_lock_looks_again), IN_FOLDER(a_lock_that_was_lost_is_seen),
        IN_FOLDER(a_look_from_outside),          IN_FOLDER(leftovers_are_removed),
        IN_FOLDER(places_that_cannot_be),        IN_FOLDER(without_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
