#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# The model of the life of an object is right in the configurations that take seconds, and
# each way to break it is found. "proof/model/run" explores all configurations.

exec ../../proof/model/run --quick
