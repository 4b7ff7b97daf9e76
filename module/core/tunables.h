/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The tunables, for tunables.c and for inspect/debugfs.c.
 */
#ifndef DREF_TUNABLES_H
#define DREF_TUNABLES_H

/**
 * struct dref_tunable - a number that root can change
 * @name: name of its file in debugfs, and of its module parameter
 * @value: the number
 * @min: the least value
 * @max: the highest value
 * @not_below: another tunable, to whose value this one can be lowered; or NULL
 * @not_above: another tunable, to whose value this one can be raised; or NULL
 */
struct dref_tunable {
	const char		*name;
	unsigned int		*value;
	unsigned int		min;
	unsigned int		max;
	const unsigned int	*not_below;
	const unsigned int	*not_above;
};

#define DREF_NR_TUNABLES	5

extern const struct dref_tunable dref_tunables[DREF_NR_TUNABLES];
int dref_tunable_set(const struct dref_tunable *tunable, unsigned int value);

#endif /* DREF_TUNABLES_H */
