#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# The model of the life of an object is right in the configurations that take seconds, and
# each way to break it is found. "proof/model/run" explores all configurations.
#
#	model.sh --short	without the three configurations that take most of the time

run=../../proof/model/run

case ${1-} in
--short)
	exec $run get-put misled promote kill immortal life exit reuse second-look bias \
		ends-deferred ends-demoting ends-promoted SKIP_GRACE_PERIOD GETS_BEFORE_PUTS \
		NO_CMPXCHG MISSED_RESURRECT EARLY_RELEASE FREE_SLOT_EARLY NO_BIAS QUEUE_REFERENCE \
		LOST_KILL SKIP_RCU BLIND_EXIT INIT_COUNT_FIRST RESURRECT_FORGOTTEN LOST_PUT DEMOTING_IGNORED ;;
esac
exec $run --quick "$@"
