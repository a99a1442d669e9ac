#include "search_memo.h"

#include <stdlib.h>
#include <string.h>
#include "search/policy.h"
#include "search/search_answer.h"

struct memo {
    struct memo *next;
    struct observation *seen;
    size_t count;
    uint32_t round_trials;
    uint64_t target_tokens;
    struct proposal *round; /* of search_next(); NULL: of search_answer() */
    size_t asked;
    struct answer *answer;
};

static struct memo *memos;

void search_memo_clear(void)
{
    while (memos) {
        struct memo *first = memos;
        memos = first->next;
        free(first->seen);
        free(first->round);
        free(first->answer);
        free(first);
    }
}

static struct memo *find(bool answer, const struct search_space *space,
                         const struct observation *seen, size_t count)
{
    struct memo *memo = memos;
    while (memo && (memo->count != count || (memo->answer != NULL) != answer ||
                    memo->round_trials != space->round_trials ||
                    memo->target_tokens != space->target_tokens ||
                    (count > 0 && memcmp(memo->seen, seen, count * sizeof(*seen)) != 0)))
        memo = memo->next;
    return memo;
}

static void *copy(const void *of, size_t size)
{
    void *own = malloc(size + 1);
    if (!own)
        abort();
    if (size > 0)
        memcpy(own, of, size);
    return own;
}

static struct memo *add(const struct search_space *space, const struct observation *seen,
                        size_t count)
{
    struct memo *memo = copy(&(struct memo){.next = memos, .count = count}, sizeof(*memo));
    memo->seen = copy(seen, count * sizeof(*seen));
    memo->round_trials = space->round_trials;
    memo->target_tokens = space->target_tokens;
    return memos = memo;
}

int __real_search_next(const struct policy *policy, const struct search_space *space,
                       const struct observation *seen, size_t count, struct proposal *round,
                       size_t *asked);
int __wrap_search_next(const struct policy *policy, const struct search_space *space,
                       const struct observation *seen, size_t count, struct proposal *round,
                       size_t *asked);
int __real_search_answer(struct answer *answer, const struct search_space *space,
                         const struct observation *seen, size_t count, struct lr_error *err);
int __wrap_search_answer(struct answer *answer, const struct search_space *space,
                         const struct observation *seen, size_t count, struct lr_error *err);

int __wrap_search_next(const struct policy *policy, const struct search_space *space,
                       const struct observation *seen, size_t count, struct proposal *round,
                       size_t *asked)
{
    struct memo *memo = find(false, space, seen, count);
    if (!memo) {
        int rc = __real_search_next(policy, space, seen, count, round, asked);
        if (rc)
            return rc;
        memo = add(space, seen, count);
        memo->round = copy(round, *asked * sizeof(*round));
        memo->asked = *asked;
    }
    *asked = memo->asked;
    memcpy(round, memo->round, memo->asked * sizeof(*round));
    return 0;
}

int __wrap_search_answer(struct answer *answer, const struct search_space *space,
                         const struct observation *seen, size_t count, struct lr_error *err)
{
    struct memo *memo = find(true, space, seen, count);
    if (!memo) {
        int rc = __real_search_answer(answer, space, seen, count, err);
        if (rc)
            return rc;
        memo = add(space, seen, count);
        memo->answer = copy(answer, sizeof(*answer));
    }
    memcpy(answer, memo->answer, sizeof(*answer));
    return 0;
}
