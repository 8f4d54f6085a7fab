/* A disk that fails, for a program that it is preloaded into (LD_PRELOAD): counts what the program
 * changes below a directory, and at the n-th change fails it, or kills the program before, in the
 * middle of, or after it.
 *
 *   FAULT_DIR     the directory, absolute
 *   FAULT_MODE    eio, enospc, full (enospc, but only for what needs blocks that a file has not yet, and
 *                 of the first write half is done), kill, torn (half of a write, then kill) or killafter
 *   FAULT_AT      which change, from 1 on; 0 for none
 *   FAULT_STICKY  if set, all changes after it fail as well
 *   FAULT_REPORT  a file that gets the number of changes, as 8 bytes, and another that tells of a fault
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

enum { GO_ON, FAIL, HALF, TORN, KILL_AFTER };

static const char *directory, *mode;
static long target;
static int sticky, report = -1;
static long counted;

__attribute__((constructor)) static void begin(void) {
    const char *at = getenv("FAULT_AT"), *path = getenv("FAULT_REPORT");
    directory = getenv("FAULT_DIR");
    mode = getenv("FAULT_MODE");
    sticky = getenv("FAULT_STICKY") != NULL;
    target = at ? atol(at) : 0;
    if (path) report = (int)syscall(SYS_openat, AT_FDCWD, path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
}

static int is_below(const char *path) {
    size_t length = strlen(directory);
    return strncmp(path, directory, length) == 0 && (path[length] == '/' || path[length] == 0);
}

/* What is to become of a change below the directory. */
static int change(void) {
    long n = __atomic_add_fetch(&counted, 1, __ATOMIC_SEQ_CST);
    int64_t numbers[2] = {n, 0};
    int met = target && (n == target || (sticky && n > target));
    if (met) numbers[1] = 1;
    if (report >= 0) {
        syscall(SYS_pwrite64, report, &numbers[0], sizeof numbers[0], 0);
        if (met) syscall(SYS_pwrite64, report, &numbers[1], sizeof numbers[1], 8);
    }
    if (!met) return GO_ON;
    if (!strcmp(mode, "kill")) {
        kill(getpid(), SIGKILL);
        for (;;) pause();
    }
    if (!strcmp(mode, "torn")) return TORN;
    if (!strcmp(mode, "killafter")) return KILL_AFTER;
    errno = !strcmp(mode, "eio") ? EIO : ENOSPC;
    if (!strcmp(mode, "full") && n == target) return HALF;
    return FAIL;
}

static int is_full(void) {
    return directory && mode && !strcmp(mode, "full");
}

/* Whether a file has the blocks up to a byte; it has no holes. */
static int has_blocks(int file, off_t end) {
    struct stat found;
    return fstat(file, &found) == 0 && end <= (off_t)found.st_blocks * 512;
}

static off_t position(int file) {
    return (off_t)syscall(SYS_lseek, file, 0, SEEK_CUR);
}

static int change_of_path(int at, const char *path) {
    char whole[8192], link[64];
    if (!directory) return GO_ON;
    if (path[0] == '/') return is_below(path) ? change() : GO_ON;
    if (at == AT_FDCWD) {
        if (!getcwd(whole, sizeof whole / 2)) return GO_ON;
    } else {
        snprintf(link, sizeof link, "/proc/self/fd/%d", at);
        ssize_t length = readlink(link, whole, sizeof whole / 2);
        if (length < 0) return GO_ON;
        whole[length] = 0;
    }
    size_t length = strlen(whole);
    snprintf(whole + length, sizeof whole - length, "/%s", path);
    return is_below(whole) ? change() : GO_ON;
}

static int change_of_file(int file) {
    char whole[4096], link[64];
    if (!directory || file <= 2) return GO_ON;
    snprintf(link, sizeof link, "/proc/self/fd/%d", file);
    ssize_t length = readlink(link, whole, sizeof whole - 1);
    if (length < 0) return GO_ON;
    whole[length] = 0;
    return is_below(whole) ? change() : GO_ON;
}

static void end(int what) {
    if (what == GO_ON || what == HALF) return;
    kill(getpid(), SIGKILL);
    for (;;) pause();
}

#define REAL(type, name, ...) \
    static type (*real)(__VA_ARGS__); \
    if (!real) real = (type(*)(__VA_ARGS__))dlsym(RTLD_NEXT, name)

#define WRITE(name, count, to, ...) \
    int what = is_full() && has_blocks(file, to) ? GO_ON : change_of_file(file); \
    if (what == FAIL) return -1; \
    if (what == TORN || what == HALF) count /= 2; \
    ssize_t done = real(__VA_ARGS__); \
    end(what); \
    return done

ssize_t write(int file, const void *bytes, size_t count) {
    REAL(ssize_t, "write", int, const void *, size_t);
    WRITE("write", count, position(file) + (off_t)count, file, bytes, count);
}

ssize_t pwrite(int file, const void *bytes, size_t count, off_t at) {
    REAL(ssize_t, "pwrite", int, const void *, size_t, off_t);
    WRITE("pwrite", count, at + (off_t)count, file, bytes, count, at);
}

ssize_t pwrite64(int file, const void *bytes, size_t count, off64_t at) {
    REAL(ssize_t, "pwrite64", int, const void *, size_t, off64_t);
    WRITE("pwrite64", count, at + (off_t)count, file, bytes, count, at);
}

ssize_t writev(int file, const struct iovec *parts, int count) {
    REAL(ssize_t, "writev", int, const struct iovec *, int);
    off_t to = position(file);
    for (int part = 0; part < count; part++) to += (off_t)parts[part].iov_len;
    WRITE("writev", count, to, file, parts, count);
}

#define SIMPLE(change, ...) \
    int what = change; \
    if (what == FAIL || what == HALF) return -1; \
    int done = real(__VA_ARGS__); \
    end(what); \
    return done

/* What needs no room. */
#define LEAN(change, ...) SIMPLE(is_full() ? GO_ON : change, __VA_ARGS__)

int fsync(int file) {
    REAL(int, "fsync", int);
    LEAN(change_of_file(file), file);
}

int fdatasync(int file) {
    REAL(int, "fdatasync", int);
    LEAN(change_of_file(file), file);
}

int sync_file_range(int file, off64_t at, off64_t length, unsigned flags) {
    REAL(int, "sync_file_range", int, off64_t, off64_t, unsigned);
    LEAN(change_of_file(file), file, at, length, flags);
}

int ftruncate(int file, off_t length) {
    REAL(int, "ftruncate", int, off_t);
    LEAN(change_of_file(file), file, length);
}

int ftruncate64(int file, off64_t length) {
    REAL(int, "ftruncate64", int, off64_t);
    LEAN(change_of_file(file), file, length);
}

int fallocate(int file, int how, off_t at, off_t length) {
    REAL(int, "fallocate", int, int, off_t, off_t);
    SIMPLE(change_of_file(file), file, how, at, length);
}

int fallocate64(int file, int how, off64_t at, off64_t length) {
    REAL(int, "fallocate64", int, int, off64_t, off64_t);
    SIMPLE(change_of_file(file), file, how, at, length);
}

int rename(const char *from, const char *to) {
    REAL(int, "rename", const char *, const char *);
    LEAN(change_of_path(AT_FDCWD, to), from, to);
}

int unlink(const char *path) {
    REAL(int, "unlink", const char *);
    LEAN(change_of_path(AT_FDCWD, path), path);
}

int unlinkat(int at, const char *path, int flags) {
    REAL(int, "unlinkat", int, const char *, int);
    LEAN(change_of_path(at, path), at, path, flags);
}

int rmdir(const char *path) {
    REAL(int, "rmdir", const char *);
    LEAN(change_of_path(AT_FDCWD, path), path);
}

int mkdir(const char *path, mode_t rights) {
    REAL(int, "mkdir", const char *, mode_t);
    struct stat found;
    int is_there = is_full() && stat(path, &found) == 0;
    SIMPLE(is_there ? GO_ON : change_of_path(AT_FDCWD, path), path, rights);
}

/* Only an opening that makes a file or empties it changes anything. */
static int is_change(const char *path, int flags) {
    struct stat found;
    if (flags & O_TRUNC) return 1;
    return (flags & O_CREAT) && stat(path, &found) != 0;
}

#define OPEN(name) \
    int name(const char *path, int flags, ...) { \
        REAL(int, #name, const char *, int, ...); \
        va_list rest; \
        va_start(rest, flags); \
        mode_t rights = (flags & (O_CREAT | O_TMPFILE)) ? va_arg(rest, mode_t) : 0; \
        va_end(rest); \
        SIMPLE(is_change(path, flags) ? change_of_path(AT_FDCWD, path) : GO_ON, path, flags, rights); \
    }

OPEN(open)
OPEN(open64)
