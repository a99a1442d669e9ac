#ifndef TESTS_BENCH_SEARCH_MEMO_H
#define TESTS_BENCH_SEARCH_MEMO_H

/* Remembers what search_next() and search_answer() gave, which are pure functions: a campaign on
 * another number of workers asks for the same again. The linker puts it in between (--wrap). One
 * search space at a time, but for round_trials and target_tokens: clear it before the next. */
void search_memo_clear(void);

#endif
