/* The workload of the benchmarks: says when its first instruction ran, then sleeps.
 *
 * CLOCK_MONOTONIC in nanoseconds; whoever compares takes the offset of the box's time namespace off
 * (/proc/PID/timens_offsets). With an argument it ends at once.
 */
#include <stdio.h>
#include <time.h>
#include <unistd.h>

int main(int count, char **words)
{
	struct timespec now;

	(void)words;
	clock_gettime(CLOCK_MONOTONIC, &now);
	dprintf(1, "%lld\n", now.tv_sec * 1000000000LL + now.tv_nsec);
	while (count == 1)
		pause();
	return 0;
}
