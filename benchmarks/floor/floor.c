/* The floor: the least that the same walls cost on this kernel.
 *
 * One program, no library, no engine, no record, no monitor, no log: it builds what a box of the
 * crun engine stands behind, step by step, and becomes the workload. What to build is read from a
 * file that the benchmark writes from the very document that the engine gives its runtime:
 *
 *   group PATH        make this control group (v1) and live in it
 *   limit PATH TEXT   write a limit of it
 *   root PATH         the image's files; `at PATH` an empty folder for them
 *   base N            the host's id of root in the box
 *   tmpfs PATH OPTIONS, mask PATH, readonly PATH, sysctl PATH TEXT, rlimit NUMBER SOFT HARD
 *   filter FILE       the system call filter, compiled;   user N, hostname TEXT, exec PATH
 *
 * Any step that fails ends it with status 1 and a sentence.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/mount.h>
#include <linux/seccomp.h>
#include <net/if.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

#define RANGE 65536
#define LINES 256
#define STACK (256 << 10)

static char *lines[LINES];
static int count;
static int gate[2], root;
static char stack[STACK] __attribute__((aligned(16)));
static volatile pid_t child;

static void check(long result, const char *what)
{
	if (result >= 0)
		return;
	dprintf(2, "floor: %s: %s\n", what, strerror(errno));
	exit(1);
}

static void put(const char *path, const char *text)
{
	int file = open(path, O_WRONLY | O_CLOEXEC);

	check(file, path);
	check(write(file, text, strlen(text)), path);
	close(file);
}

/* The next line that begins with this word, from `from` on; what stands behind the word. */
static char *next(const char *word, int *from)
{
	size_t length = strlen(word);

	for (; *from < count; (*from)++)
		if (!strncmp(lines[*from], word, length) && lines[*from][length] == ' ')
			return lines[(*from)++] + length + 1;
	return NULL;
}

static char *one(const char *word)
{
	int from = 0;
	char *found = next(word, &from);

	if (!found) {
		dprintf(2, "floor: there is no line %s\n", word);
		exit(1);
	}
	return found;
}

static void read_lines(const char *path)
{
	static char text[64 << 10];
	int file = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t length = read(file, text, sizeof(text) - 1);

	check(length, path);
	close(file);
	for (char *line = strtok(text, "\n"); line && count < LINES; line = strtok(NULL, "\n"))
		lines[count++] = line;
}

static int ends(void *nothing)
{
	(void)nothing;
	return 0;
}

/* Child and parent alike need the same map; it is written from outside. */
static void map_ids(pid_t of, const char *base)
{
	char path[64], map[64];

	snprintf(map, sizeof(map), "0 %s %d", base, RANGE);
	snprintf(path, sizeof(path), "/proc/%d/uid_map", of);
	put(path, map);
	snprintf(path, sizeof(path), "/proc/%d/gid_map", of);
	put(path, map);
}

/* The image, read-only, under the box's own ids; a namespace that only says which is made for it. */
static int mapped_root(void)
{
	char path[64];
	struct mount_attr attributes = {
		.attr_set = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_IDMAP,
		.propagation = MS_PRIVATE,
	};
	pid_t holder = clone(ends, stack + STACK, CLONE_VM | CLONE_VFORK | CLONE_NEWUSER | SIGCHLD, NULL);
	int tree, owners;

	check(holder, "clone for the id map");
	map_ids(holder, one("base"));
	snprintf(path, sizeof(path), "/proc/%d/ns/user", holder);
	owners = open(path, O_RDONLY | O_CLOEXEC);
	check(owners, path);
	waitpid(holder, NULL, 0);
	tree = syscall(SYS_open_tree, AT_FDCWD, one("root"), OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
	check(tree, "open_tree");
	attributes.userns_fd = owners;
	check(syscall(SYS_mount_setattr, tree, "", AT_EMPTY_PATH, &attributes, sizeof(attributes)),
	      "mount_setattr");
	close(owners);
	return tree;
}

static void show(const char *source, const char *target)
{
	check(mount(source, target, NULL, MS_BIND, NULL), target);
}

static void mount_devices(void)
{
	static const char *const names[] = {"null", "zero", "full", "random", "urandom", "tty"};
	char from[64], to[64];

	check(mount("tmpfs", "dev", "tmpfs", MS_NOSUID | MS_NOEXEC, "mode=755,size=65536,nr_inodes=64"),
	      "dev");
	for (size_t n = 0; n < sizeof(names) / sizeof(*names); n++) {
		snprintf(from, sizeof(from), "/dev/%s", names[n]);
		snprintf(to, sizeof(to), "dev/%s", names[n]);
		close(open(to, O_CREAT | O_WRONLY | O_CLOEXEC, 0666));
		show(from, to);
	}
	mkdir("dev/pts", 0755);
	check(mount("devpts", "dev/pts", "devpts", MS_NOSUID | MS_NOEXEC,
		    "newinstance,ptmxmode=0666,mode=0620"), "dev/pts");
	check(symlink("pts/ptmx", "dev/ptmx"), "dev/ptmx");
	mkdir("dev/shm", 0755);
	mkdir("dev/mqueue", 0755);
	check(mount("mqueue", "dev/mqueue", "mqueue", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL),
	      "dev/mqueue");
}

static void mount_all(void)
{
	unsigned long hidden = MS_NOSUID | MS_NODEV | MS_NOEXEC;
	struct stat seen;
	char *line, *options;
	int from = 0;

	check(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL), "make all private");
	check(syscall(SYS_move_mount, root, "", AT_FDCWD, one("at"), MOVE_MOUNT_F_EMPTY_PATH),
	      "move_mount");
	check(chdir(one("at")), "enter the root");
	check(mount("proc", "proc", "proc", hidden, NULL), "proc");
	while ((line = next("sysctl", &from))) {
		options = strchr(line, ' ');
		*options++ = 0;
		put(line, options);
	}
	mount_devices();
	check(mount("sysfs", "sys", "sysfs", hidden | MS_RDONLY, NULL), "sys");
	for (from = 0; (line = next("tmpfs", &from));) {
		options = strchr(line, ' ');
		*options++ = 0;
		check(mount("tmpfs", line, "tmpfs", MS_NOSUID | MS_NODEV | MS_NOEXEC, options), line);
	}
	for (from = 0; (line = next("readonly", &from));)
		if (!stat(line, &seen)) {
			show(line, line);
			check(mount(NULL, line, NULL, MS_REMOUNT | MS_BIND | MS_RDONLY | hidden, NULL),
			      line);
		}
	for (from = 0; (line = next("mask", &from));)
		if (!stat(line, &seen)) {
			if (S_ISDIR(seen.st_mode))
				check(mount("tmpfs", line, "tmpfs", MS_RDONLY, "size=0k"), line);
			else
				show("dev/null", line);
		}
	check(syscall(SYS_pivot_root, ".", "."), "pivot_root");
	check(umount2(".", MNT_DETACH), "leave the old root");
}

static void give_up_rights(void)
{
	struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
	struct __user_cap_data_struct none[2] = {0};
	uid_t user = atoi(one("user"));

	for (int one = 0; one <= CAP_LAST_CAP; one++)
		check(prctl(PR_CAPBSET_DROP, one, 0, 0, 0), "the bounding set");
	check(setgroups(0, NULL), "setgroups");
	check(setresgid(user, user, user), "setresgid");
	check(setresuid(user, user, user), "setresuid");
	check(syscall(SYS_capset, &header, none), "capset");
	check(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "no new privileges");
}

/* Its file lies outside of the root: it is read early, and put in force at the end. */
static void read_filter(struct sock_fprog *filter)
{
	static struct sock_filter code[4096];
	int file = open(one("filter"), O_RDONLY | O_CLOEXEC);
	ssize_t length = read(file, code, sizeof(code));

	check(length, "the filter");
	close(file);
	filter->filter = code;
	filter->len = length / sizeof(*code);
}

static void own_time(void)
{
	int file;

	check(unshare(CLONE_NEWTIME), "a time namespace");
	file = open("/proc/self/ns/time_for_children", O_RDONLY | O_CLOEXEC);
	check(file, "time_for_children");
	check(setns(file, CLONE_NEWTIME), "join the time namespace");
	close(file);
}

static int inside(void *nothing)
{
	struct ifreq loopback = {.ifr_name = "lo", .ifr_flags = IFF_UP | IFF_RUNNING};
	char *line, *program = one("exec"), *words[] = {program, NULL}, *environment[] = {NULL};
	int from = 0, probe, number;
	struct sock_fprog filter;
	struct rlimit limit;
	char go;

	(void)nothing;
	check(read(gate[0], &go, 1) - 1, "wait for the map");
	check(setresgid(0, 0, 0), "become the box's root");
	check(setresuid(0, 0, 0), "become the box's root");
	own_time();
	probe = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	check(ioctl(probe, SIOCSIFFLAGS, &loopback), "loopback");
	close(probe);
	check(sethostname(one("hostname"), strlen(one("hostname"))), "hostname");
	read_filter(&filter);
	mount_all();
	while ((line = next("rlimit", &from))) {
		check(sscanf(line, "%d %lu %lu", &number, &limit.rlim_cur, &limit.rlim_max) - 3, line);
		check(setrlimit(number, &limit), line);
	}
	umask(077);
	setsid();
	give_up_rights();
	check(syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &filter), "seccomp");
	syscall(SYS_close_range, 3, ~0U, 0);
	execve(program, words, environment);
	check(-1, program);
	return 1;
}

static void end(int number)
{
	(void)number;
	kill(child, SIGKILL);
}

int main(int number, char **words)
{
	int namespaces = CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWIPC |
			 CLONE_NEWUTS | CLONE_NEWCGROUP;
	char path[4096], *line, *text;
	int from = 0;

	check(number - 2, "one argument: what to build");
	read_lines(words[1]);
	signal(SIGTERM, end);
	while ((line = next("group", &from))) {
		check(mkdir(line, 0755), line);
		snprintf(path, sizeof(path), "%s/tasks", line);
		put(path, "0");
	}
	root = mapped_root();
	check(pipe2(gate, O_CLOEXEC), "pipe");
	child = clone(inside, stack + STACK, namespaces | SIGCHLD, NULL);
	check(child, "clone");
	map_ids(child, one("base"));
	for (from = 0; (line = next("limit", &from));) {
		text = strchr(line, ' ');
		*text++ = 0;
		put(line, text);
	}
	check(write(gate[1], "0", 1), "open the gate");
	while (waitpid(child, NULL, 0) < 0 && errno == EINTR)
		continue;
	return 0;
}
