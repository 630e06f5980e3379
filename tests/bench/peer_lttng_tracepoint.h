// SPDX-License-Identifier: MIT
// The tracepoint of peer_lttng.cc, as LTTng wants it declared: it includes this file several times.
#undef LTTNG_UST_TRACEPOINT_PROVIDER
#define LTTNG_UST_TRACEPOINT_PROVIDER logbus_bench
#undef LTTNG_UST_TRACEPOINT_INCLUDE
#define LTTNG_UST_TRACEPOINT_INCLUDE "peer_lttng_tracepoint.h"

#if !defined(LOGBUS_BENCH_PEER_LTTNG_TRACEPOINT_H) || defined(LTTNG_UST_TRACEPOINT_HEADER_MULTI_READ)
#define LOGBUS_BENCH_PEER_LTTNG_TRACEPOINT_H

#include <lttng/tracepoint.h>

LTTNG_UST_TRACEPOINT_EVENT(logbus_bench, line, LTTNG_UST_TP_ARGS(int, a, int, b, double, c),
                           LTTNG_UST_TP_FIELDS(lttng_ust_field_integer(int, a, a)
                                                   lttng_ust_field_integer(int, b, b)
                                                       lttng_ust_field_float(double, c, c)))

#endif

#include <lttng/tracepoint-event.h>
