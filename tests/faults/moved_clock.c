/* Moves the wall clock of a process by the number of seconds in the file that CLOCK_OFFSET_FILE names.

   Monotonic clocks do not change, so every sleep and time limit stays as it is. The library is
   loaded with LD_PRELOAD; it reads the file again five times a second. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static int (*real_clock)(clockid_t, struct timespec *);

__attribute__((constructor)) static void find_real(void) {
    real_clock = (int (*)(clockid_t, struct timespec *))dlsym(RTLD_NEXT, "clock_gettime");
}

static long offset(void) {
    static long found, read_at = -1;
    struct timespec now;
    real_clock(CLOCK_MONOTONIC, &now);
    long fifth = now.tv_sec * 5 + now.tv_nsec / 200000000;
    if (fifth != read_at) {
        read_at = fifth;
        const char *path = getenv("CLOCK_OFFSET_FILE");
        int file = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
        if (file >= 0) {
            char text[32] = {0};
            if (read(file, text, sizeof text - 1) > 0) found = atol(text);
            close(file);
        }
    }
    return found;
}

int clock_gettime(clockid_t clock, struct timespec *time) {
    if (!real_clock) find_real();
    int failed = real_clock(clock, time);
    if (!failed && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)) time->tv_sec += offset();
    return failed;
}

int gettimeofday(struct timeval *restrict time_of_day, void *restrict zone) {
    struct timespec now;
    (void)zone;
    clock_gettime(CLOCK_REALTIME, &now);
    time_of_day->tv_sec = now.tv_sec;
    time_of_day->tv_usec = now.tv_nsec / 1000;
    return 0;
}

time_t time(time_t *result) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    if (result) *result = now.tv_sec;
    return now.tv_sec;
}
