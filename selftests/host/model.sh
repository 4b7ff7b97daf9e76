#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Explore the model of an object's life, in the configurations that take seconds,
# and see that each way to break it is found; all of them: proof/model/run.

exec ../../proof/model/run --quick
