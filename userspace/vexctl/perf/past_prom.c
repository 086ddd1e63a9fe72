// SPDX-License-Identifier: GPL-2.0
/*
 * The same metrics from a Prometheus that scrapes vexfs-exporter, and node_exporter for
 * those of the machine: of one machine, or of all together.
 */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "past.h"
#include "prom.h"

#define STEPS_MOST	2000
#define STEP_LEAST_MS	15000
/* A rate needs a window of several scrapes. */
#define WINDOW_LEAST_S	120

/*
 * What to ask for: '@' becomes the label of the machine with a comma behind it, '#' the window
 * of a rate. Each gives one series. NULL where no exporter has it.
 */
#define RATE(name, labels)	"sum(rate(" name "{@" labels "}[#]))"
#define OPS(class)		RATE("vexfs_ops_total", "class=\"" class "\"")
#define TIME(class)		"1e6*" RATE("vexfs_op_duration_seconds_sum", "class=\"" class "\"") "/" \
				RATE("vexfs_op_duration_seconds_count", "class=\"" class "\"")
#define USE(pool)		"avg(vexfs_pool_use_ratio{@pool=\"" pool "\"})"
#define PSI(what)		"avg(rate(node_pressure_" what "_seconds_total{@}[#]))"

static const char *const exprs[METRICS] = {
	[M_FUSE_OPS] = OPS("fuse"),
	[M_VECTOR_OPS] = OPS("vector"),
	[M_SEMANTIC_OPS] = OPS("semantic"),
	[M_CONTROL_OPS] = OPS("control"),
	[M_FUSE_TIME] = TIME("fuse"),
	[M_VECTOR_TIME] = TIME("vector"),
	[M_SEMANTIC_TIME] = TIME("semantic"),
	[M_ERROR_RATE] = RATE("vexfs_op_failures_total", "") "/" RATE("vexfs_ops_total", ""),
	[M_POOL_HIT_RATE] = RATE("vexfs_pool_hits_total", "") "/" RATE("vexfs_pool_allocs_total", ""),
	[M_SMALL_USE] = USE("small"),
	[M_MEDIUM_USE] = USE("medium"),
	[M_LARGE_USE] = USE("large"),
	[M_POOL_FAILURES] = RATE("vexfs_pool_failures_total", ""),
	[M_STACK_VIOLATIONS] = RATE("vexfs_stack_violations_total", ""),
	[M_STACK_DEEPEST] = "max(vexfs_stack_deepest_bytes{@})",
	[M_MEMORY] = "sum(vexfs_collections_bytes{@})+sum(vexfs_pool_held_bytes{@})",
	[M_VECTORS] = "sum(vexfs_vectors{@})",
	[M_COLLECTIONS] = "sum(vexfs_collections{@})",
	[M_FPU_SHARE] = RATE("vexfs_fpu_seconds_total", ""),
	[M_SIMD] = "min(vexfs_simd_enabled{@})",
	[M_POOLS] = "min(vexfs_memory_pools_enabled{@})",
	[M_STACK_OPT] = "min(vexfs_stack_optimization_enabled{@})",
	[M_CPU_BUSY] = "1-avg(rate(node_cpu_seconds_total{@mode=\"idle\"}[#]))",
	[M_CPU_STEAL] = "avg(rate(node_cpu_seconds_total{@mode=\"steal\"}[#]))",
	[M_LOAD] = "avg(node_load1{@})",
	[M_MEM_AVAILABLE] = "min(node_memory_MemAvailable_bytes{@})",
	[M_SWAP_USED] = "max(node_memory_SwapTotal_bytes{@}-node_memory_SwapFree_bytes{@})",
	[M_PSI_CPU] = PSI("cpu_waiting"),
	[M_PSI_MEM] = PSI("memory_waiting"),
	[M_PSI_MEM_FULL] = PSI("memory_stalled"),
	[M_PSI_IO] = PSI("io_waiting"),
	[M_PSI_IO_FULL] = PSI("io_stalled"),
	[M_DISK_BUSY] = "max(rate(node_disk_io_time_seconds_total{@}[#]))",
	[M_DISK_READ] = RATE("node_disk_read_bytes_total", ""),
	[M_DISK_WRITTEN] = RATE("node_disk_written_bytes_total", ""),
	[M_NET_RX] = RATE("node_network_receive_bytes_total", "device!=\"lo\""),
	[M_NET_TX] = RATE("node_network_transmit_bytes_total", "device!=\"lo\""),
	[M_NET_ERRORS] = RATE("node_network_receive_errs_total", "") "+"
			 RATE("node_network_transmit_errs_total", "") "+"
			 RATE("node_network_receive_drop_total", "") "+"
			 RATE("node_network_transmit_drop_total", ""),
};

bool past_prom_machine(const char *machine)
{
	size_t n;

	for (n = 0; machine[n]; n++)
		if (!isalnum((unsigned char)machine[n]) && !strchr("._:-", machine[n]))
			return false;
	return n && n < 256;
}

/* instance=~"host(:[0-9]+)?", with the dots of a name as what they are. */
static void machine_label(const char *machine, char *to, size_t size)
{
	size_t at = 0;

	*to = '\0';
	if (!machine)
		return;
	at += (size_t)snprintf(to, size, "instance=~\"");
	for (; *machine && at + 24 < size; machine++) {
		if (*machine == '.')
			at += (size_t)snprintf(to + at, size - at, "[.]");
		else
			to[at++] = *machine;
	}
	snprintf(to + at, size - at, "(:[0-9]+)?\",");
}

static char *expr_of(int id, const char *label, int64_t step)
{
	int64_t window = step / 1000 > WINDOW_LEAST_S ? step / 1000 : WINDOW_LEAST_S;
	char *text = NULL;
	size_t len;
	FILE *f = open_memstream(&text, &len);

	if (!f)
		return NULL;
	for (const char *p = exprs[id]; *p; p++) {
		if (*p == '@')
			fputs(label, f);
		else if (*p == '#')
			fprintf(f, "%llds", (long long)window);
		else
			putc(*p, f);
	}
	if (fclose(f)) {
		free(text);
		return NULL;
	}
	return text;
}

struct filling {
	struct binner *b;
	int64_t step;
};

static int take_value(int64_t t_ms, double value, void *arg)
{
	struct filling *f = arg;

	/* a value describes the time before it */
	binner_add(f->b, t_ms - f->step, f->step, value);
	return 0;
}

static int read_one(struct ctl *c, const struct past *p, int id, const struct period *when,
		    int64_t step, struct bins *out)
{
	int64_t from = when->from - when->from % step;
	struct filling f = { .b = binner_new(from, when->to, step), .step = step };
	char label[1100], why[300] = "", *expr = NULL;
	int ret = 0;

	machine_label(p->machine, label, sizeof(label));
	if (exprs[id]) {
		expr = expr_of(id, label, step);
		ret = expr && f.b ? prom_range(p->url, expr, from + step, when->to, step, take_value,
					       &f, why, sizeof(why)) : -ENOMEM;
		free(expr);
	}
	if (binner_done(f.b, out) && !ret)
		ret = -ENOMEM;
	if (!ret)
		return 0;
	ctl_refuse(c, -ret, "%s: %s", p->url, *why ? why : strerror(-ret));
	return EXIT_CANNOT_TELL;
}

int past_prom_read(struct ctl *c, const struct past *p, const int *ids, int n,
		   const struct period *when, int64_t step, struct bins *out)
{
	int64_t least = (when->to - when->from) / STEPS_MOST;

	if (!step)
		step = STEP_LEAST_MS;
	if (step < least)
		step = least;
	for (int i = 0; i < n; i++) {
		int ret = read_one(c, p, ids[i], when, step, &out[i]);

		if (ret) {
			while (i >= 0)
				bins_free(&out[i--]);
			return ret;
		}
	}
	return 0;
}
