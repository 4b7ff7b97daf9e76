// SPDX-License-Identifier: GPL-2.0
/*
 * How many instructions a get and a put take.
 *
 * Nanoseconds are instructions where the clock advances with them, as under
 * "vm-run --icount", which sets DREF_ICOUNT. The loop is included, and what an
 * empty one costs is shown. refcount_t and percpu_ref are measured in the same
 * run; what dref may cost is part of its design.
 */
#include <sys/ioctl.h>

#include <linux/dref_stress.h>

#include "common.h"
#include "kselftest.h"

#define PAIRS	100000

static const struct row {
	unsigned int	counter;
	const char	*name;
	double		limit;	/* 0: only to compare */
} rows[] = {
	{ DREF_STRESS_COST_EMPTY,	"loop alone" },
	{ DREF_STRESS_COST_REFCOUNT,	"refcount_t" },
	{ DREF_STRESS_COST_PERCPU_REF,	"percpu_ref" },
	{ DREF_STRESS_COST_EXACT,	"dref, exact",		22 },
	{ DREF_STRESS_COST_DEFERRED,	"dref, deferred",	14 },
	{ DREF_STRESS_COST_IMMORTAL,	"dref, immortal",	14 },
};

#define ROWS	ARRAY_SIZE(rows)

/* The fewest of some runs: an interrupt before the loop may be in the others */
static double instructions(int fd, const struct row *row)
{
	double least = 1e9, per_pair;
	int i;

	for (i = 0; i < 5; i++) {
		struct dref_stress_cost cost = { .counter = row->counter, .pairs = PAIRS };

		if (ioctl(fd, DREF_STRESS_COST, &cost))
			ksft_exit_fail_msg("%s: %s\n", row->name, strerror(errno));
		per_pair = (double)cost.ns / cost.pairs;
		if (per_pair < least)
			least = per_pair;
	}
	return least;
}

int main(void)
{
	double count[ROWS];
	unsigned int i;
	int fd;

	ksft_print_header();
	if (!getenv("DREF_ICOUNT"))
		ksft_exit_skip("needs vm-run --icount\n");
	if (!load("dref") || !load("dref_stress"))
		ksft_exit_skip("needs dref.ko and dref_stress.ko\n");
	fd = open(DREF_STRESS_DEVICE, O_RDWR);
	if (fd < 0)
		ksft_exit_skip("cannot open " DREF_STRESS_DEVICE ": %s\n", strerror(errno));

	ksft_set_plan(ROWS);
	for (i = 0; i < ROWS; i++) {
		count[i] = instructions(fd, &rows[i]);
		if (rows[i].limit)
			ksft_test_result(count[i] <= rows[i].limit,
					 "%s: %.1f instructions, at most %.0f\n", rows[i].name,
					 count[i], rows[i].limit);
		else
			ksft_test_result(count[i] > 1, "%s: %.1f instructions\n", rows[i].name,
					 count[i]);
	}
	close(fd);
	ksft_finished();
}
