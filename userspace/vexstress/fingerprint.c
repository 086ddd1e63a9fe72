// SPDX-License-Identifier: GPL-2.0
/*
 * Where a result comes from: machine, kernel, module, lab. Two results are comparable if
 * machine, kernel and lab are equal; the module may differ, since it is what is compared.
 */
#include "kstat.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysinfo.h>
#include <sys/utsname.h>
#include <unistd.h>

#if defined(__x86_64__)
#include <cpuid.h>
#endif

static int first_line(const char *path, char *buf, size_t size)
{
	FILE *f = fopen(path, "re");
	char *end;

	if (!f)
		return -1;
	if (!fgets(buf, (int)size, f)) {
		fclose(f);
		return -1;
	}
	fclose(f);
	end = strchr(buf, '\n');
	if (end)
		*end = 0;
	return 0;
}

/* Read from the processor itself: a lab may hide what the host knows. */
static void cpu_name(char *buf, size_t size)
{
	snprintf(buf, size, "unknown");
#if defined(__x86_64__)
	unsigned int r[12] = { 0 }, i;
	char text[49] = "", *p;

	if ((unsigned int)__get_cpuid_max(0x80000000, NULL) < 0x80000004u)
		return;
	for (i = 0; i < 3; i++)
		__get_cpuid(0x80000002 + i, &r[4 * i], &r[4 * i + 1], &r[4 * i + 2],
			    &r[4 * i + 3]);
	memcpy(text, r, 48);
	for (p = text; *p == ' '; p++)
		;
	__get_cpuid(1, &r[0], &r[1], &r[2], &r[3]);
	snprintf(buf, size, "%s (signature %08x)", p, r[0]);
#endif
}

static void cpuinfo_field(const char *key, char *buf, size_t size)
{
	FILE *f = fopen("/proc/cpuinfo", "re");
	char line[4096], *colon;

	snprintf(buf, size, "unknown");
	if (!f)
		return;
	while (fgets(line, sizeof(line), f)) {
		if (strncmp(line, key, strlen(key)))
			continue;
		colon = strchr(line, ':');
		if (!colon)
			continue;
		line[strcspn(line, "\n")] = 0;
		snprintf(buf, size, "%s", colon + 2);
		break;
	}
	fclose(f);
}

static json_t *build_id(void)
{
	unsigned char note[64];
	char hex[65] = "";
	ssize_t n, i;
	int fd = open("/sys/module/vexfs/notes/.note.gnu.build-id", O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return json_string("unknown");
	n = read(fd, note, sizeof(note));
	close(fd);
	for (i = 16; i < n && i < 48; i++)
		sprintf(hex + 2 * (i - 16), "%02x", note[i]);
	return json_string(hex);
}

static json_t *parameters(void)
{
	json_t *out = json_object();
	struct dirent *e;
	char value[256];
	DIR *d = opendir("/sys/module/vexfs/parameters");

	if (!d)
		return out;
	while ((e = readdir(d)))
		if (e->d_name[0] != '.' && !vx_param_get(e->d_name, value, sizeof(value)))
			json_object_set_new(out, e->d_name, vx_json_text(value));
	closedir(d);
	return out;
}

static const char *lab_name(void)
{
	const char *env = getenv("VEXFS_LAB");
	static char vendor[64];

	if (vx_set.lab)
		return vx_set.lab;
	if (env && *env)
		return env;
	cpuinfo_field("vendor_id", vendor, sizeof(vendor));
	return strstr(vendor, "User Mode Linux") ? "uml" : "host";
}

json_t *vx_fingerprint(void)
{
	struct vexfs_info info = { 0 };
	char cpu[128], microcode[64], governor[64], hypervisor[64];
	char version[64] = "unknown", source[64] = "unknown";
	struct utsname u = { 0 };
	struct sysinfo si = { 0 };
	json_t *out;

	uname(&u);
	sysinfo(&si);
	cpu_name(cpu, sizeof(cpu));
	cpuinfo_field("microcode", microcode, sizeof(microcode));
	if (first_line("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor", governor,
		       sizeof(governor)))
		snprintf(governor, sizeof(governor), "none");
	if (first_line("/sys/hypervisor/type", hypervisor, sizeof(hypervisor)))
		snprintf(hypervisor, sizeof(hypervisor), "unknown");
	first_line("/sys/module/vexfs/version", version, sizeof(version));
	first_line("/sys/module/vexfs/srcversion", source, sizeof(source));
	vexfs_do_info(vx_set.device, &info, NULL);
	out = json_pack("{s:s, s:i, s:s, s:s, s:s, s:s, s:o, s:I, s:s, s:s, s:s, s:s, s:o, s:o}",
			"cpu", cpu, "cpus", (int)sysconf(_SC_NPROCESSORS_ONLN),
			"microcode", microcode, "governor", governor,
			"kernel", u.release, "kernel_build", u.version, "lab", vx_json_text(lab_name()),
			"memory_mb", (json_int_t)(si.totalram / 1048576 * si.mem_unit),
			"clock", vs_clock.tsc ? "tsc" : "monotonic",
			"module_version", version, "module_source", source,
			"simd", info.simd[0] ? info.simd : "unknown",
			"module_build", build_id(), "parameters", parameters());
	return out ? out : json_object();
}

char *vx_fingerprint_differ(const json_t *a, const json_t *b)
{
	static const char *const keys[] = {
		"cpu", "cpus", "microcode", "governor", "kernel", "lab", "clock",
	};
	char *out = NULL;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(keys); i++) {
		json_t *x = json_object_get(a, keys[i]), *y = json_object_get(b, keys[i]);
		char *sx, *sy;

		if (json_equal(x, y))
			continue;
		sx = x ? vx_json_dump(x, JSON_ENCODE_ANY) : NULL;
		sy = y ? vx_json_dump(y, JSON_ENCODE_ANY) : NULL;
		if (asprintf(&out, "%s is %s in one and %s in the other", keys[i],
			     sx ? sx : "not given", sy ? sy : "not given") < 0)
			out = strdup(keys[i]);
		free(sx);
		free(sy);
		break;
	}
	return out;
}
