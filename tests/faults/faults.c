/* Counts the calls that change files under one folder, and at a chosen one kills the process, tears the write or fails.
 *
 * Preloaded (LD_PRELOAD) into a process; does nothing until `faults_arm` is called. Calls that change nothing are
 * passed on uncounted. What a library writes without the C library is not seen.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

enum mode { COUNT = 0, KILL = 1, TEAR = 2, FAIL_ONCE = 3, FAIL_FROM = 4 };
enum kind { DATA = 1, SYNC = 2, NAME = 4, GONE = 8 };

static char under[PATH_MAX];
static size_t under_length;
static int mode, error_number, kinds, log_file = -1;
static long at;
static atomic_long seen;

void faults_arm(const char *folder, int how, int which, long when, int number, int log) {
    strncpy(under, folder, sizeof under - 1);
    under_length = strlen(under);
    mode = how, kinds = which, at = when, error_number = number, log_file = log;
    atomic_store(&seen, 0);
}

long faults_seen(void) { return atomic_load(&seen); }

static int watched(const char *path) { return under_length && path && !strncmp(path, under, under_length); }

static int path_of(int file, char *path) {
    char link[64];
    snprintf(link, sizeof link, "/proc/self/fd/%d", file);
    ssize_t length = readlink(link, path, PATH_MAX - 1);
    path[length > 0 ? length : 0] = 0;
    return length > 0;
}

static void die(void) {
    syscall(SYS_kill, getpid(), SIGKILL);
    for (;;) pause();
}

/* Whether this call is the one; its name and path go to the log. A kill does not return. */
static int due(int kind, const char *name, const char *path) {
    if (!(kinds & kind)) return 0;
    long number = atomic_fetch_add(&seen, 1) + 1;
    int hit = mode == FAIL_FROM ? number >= at && kind != GONE : mode != COUNT && number == at;
    if (!hit) return 0;
    if (log_file >= 0) {
        char line[PATH_MAX + 64];
        int length = snprintf(line, sizeof line, "%ld %s %s\n", number, name, path);
        syscall(SYS_write, log_file, line, length);
    }
    if (mode == KILL || (mode == TEAR && kind != DATA)) die();
    errno = error_number;
    return 1;
}

static int due_file(int kind, const char *name, int file) {
    char path[PATH_MAX];
    int kept = errno;
    if (!under_length || !path_of(file, path) || !watched(path)) { errno = kept; return 0; }
    errno = kept;
    return due(kind, name, path);
}

static int due_at(int kind, const char *name, int folder, const char *path) {
    if (!under_length) return 0;
    if (path[0] == '/') return watched(path) && due(kind, name, path);
    char whole[PATH_MAX * 2];
    int kept = errno;
    if (folder == AT_FDCWD ? !getcwd(whole, PATH_MAX) : !path_of(folder, whole)) { errno = kept; return 0; }
    errno = kept;
    strncat(whole, "/", sizeof whole - strlen(whole) - 1);
    strncat(whole, path, sizeof whole - strlen(whole) - 1);
    return watched(whole) && due(kind, name, whole);
}

#define REAL(result, name, ...) \
    static result (*real)(__VA_ARGS__); \
    if (!real) real = (result(*)(__VA_ARGS__))dlsym(RTLD_NEXT, name)

/* A torn write is half of it, and then the end. */
#define WRITES(name) \
    ssize_t name(int file, const void *from, size_t size) { \
        REAL(ssize_t, #name, int, const void *, size_t); \
        if (due_file(DATA, #name, file)) { if (mode == TEAR) { real(file, from, size / 2); die(); } return -1; } \
        return real(file, from, size); \
    }
WRITES(write)

#define WRITES_AT(name, offset_type) \
    ssize_t name(int file, const void *from, size_t size, offset_type place) { \
        REAL(ssize_t, #name, int, const void *, size_t, offset_type); \
        if (due_file(DATA, #name, file)) { if (mode == TEAR) { real(file, from, size / 2, place); die(); } return -1; } \
        return real(file, from, size, place); \
    }
WRITES_AT(pwrite, off_t)
WRITES_AT(pwrite64, off64_t)

ssize_t writev(int file, const struct iovec *from, int count) {
    REAL(ssize_t, "writev", int, const struct iovec *, int);
    if (due_file(DATA, "writev", file)) { if (mode == TEAR) { real(file, from, 1); die(); } return -1; }
    return real(file, from, count);
}

size_t fwrite(const void *from, size_t size, size_t count, FILE *stream) {
    REAL(size_t, "fwrite", const void *, size_t, size_t, FILE *);
    if (under_length && due_file(DATA, "fwrite", fileno(stream))) {
        if (mode == TEAR) { real(from, size, count / 2, stream); fflush(stream); die(); }
        return 0;
    }
    return real(from, size, count, stream);
}

ssize_t sendfile(int to, int from, off_t *place, size_t size) {
    REAL(ssize_t, "sendfile", int, int, off_t *, size_t);
    if (due_file(DATA, "sendfile", to)) { if (mode == TEAR) { real(to, from, place, size / 2); die(); } return -1; }
    return real(to, from, place, size);
}

ssize_t sendfile64(int to, int from, off64_t *place, size_t size) {
    REAL(ssize_t, "sendfile64", int, int, off64_t *, size_t);
    if (due_file(DATA, "sendfile64", to)) { if (mode == TEAR) { real(to, from, place, size / 2); die(); } return -1; }
    return real(to, from, place, size);
}

ssize_t copy_file_range(int from, off64_t *start, int to, off64_t *place, size_t size, unsigned flags) {
    REAL(ssize_t, "copy_file_range", int, off64_t *, int, off64_t *, size_t, unsigned);
    if (due_file(DATA, "copy_file_range", to)) { if (mode == TEAR) die(); return -1; }
    return real(from, start, to, place, size, flags);
}

#define GROWS(name, offset_type) \
    int name(int file, offset_type size) { \
        REAL(int, #name, int, offset_type); \
        if (due_file(DATA, #name, file)) { if (mode == TEAR) die(); return -1; } \
        return real(file, size); \
    }
GROWS(ftruncate, off_t)
GROWS(ftruncate64, off64_t)

#define SYNCS(name) \
    int name(int file) { \
        REAL(int, #name, int); \
        if (due_file(SYNC, #name, file)) return -1; \
        return real(file); \
    }
SYNCS(fsync)
SYNCS(fdatasync)
SYNCS(syncfs)

#define OPENS(name) \
    int name(const char *path, int flags, ...) { \
        REAL(int, #name, const char *, int, ...); \
        va_list rest; va_start(rest, flags); mode_t bits = va_arg(rest, mode_t); va_end(rest); \
        if (flags & (O_CREAT | O_TRUNC) && due_at(NAME, #name, AT_FDCWD, path)) return -1; \
        return real(path, flags, bits); \
    }
OPENS(open)
OPENS(open64)

#define OPENS_AT(name) \
    int name(int folder, const char *path, int flags, ...) { \
        REAL(int, #name, int, const char *, int, ...); \
        va_list rest; va_start(rest, flags); mode_t bits = va_arg(rest, mode_t); va_end(rest); \
        if (flags & (O_CREAT | O_TRUNC) && due_at(NAME, #name, folder, path)) return -1; \
        return real(folder, path, flags, bits); \
    }
OPENS_AT(openat)
OPENS_AT(openat64)

#define NAMES(name, kind) \
    int name(const char *path) { \
        REAL(int, #name, const char *); \
        if (due_at(kind, #name, AT_FDCWD, path)) return -1; \
        return real(path); \
    }
NAMES(unlink, GONE)
NAMES(rmdir, GONE)

#define NAMES_TWO(name) \
    int name(const char *from, const char *to) { \
        REAL(int, #name, const char *, const char *); \
        if (due_at(NAME, #name, AT_FDCWD, to)) return -1; \
        return real(from, to); \
    }
NAMES_TWO(rename)
NAMES_TWO(link)
NAMES_TWO(symlink)

int renameat(int from_folder, const char *from, int to_folder, const char *to) {
    REAL(int, "renameat", int, const char *, int, const char *);
    if (due_at(NAME, "renameat", to_folder, to)) return -1;
    return real(from_folder, from, to_folder, to);
}

int renameat2(int from_folder, const char *from, int to_folder, const char *to, unsigned flags) {
    REAL(int, "renameat2", int, const char *, int, const char *, unsigned);
    if (due_at(NAME, "renameat2", to_folder, to)) return -1;
    return real(from_folder, from, to_folder, to, flags);
}

int linkat(int from_folder, const char *from, int to_folder, const char *to, int flags) {
    REAL(int, "linkat", int, const char *, int, const char *, int);
    if (due_at(NAME, "linkat", to_folder, to)) return -1;
    return real(from_folder, from, to_folder, to, flags);
}

int unlinkat(int folder, const char *path, int flags) {
    REAL(int, "unlinkat", int, const char *, int);
    if (due_at(GONE, "unlinkat", folder, path)) return -1;
    return real(folder, path, flags);
}

int mkdir(const char *path, mode_t bits) {
    REAL(int, "mkdir", const char *, mode_t);
    if (due_at(NAME, "mkdir", AT_FDCWD, path)) return -1;
    return real(path, bits);
}

int mkdirat(int folder, const char *path, mode_t bits) {
    REAL(int, "mkdirat", int, const char *, mode_t);
    if (due_at(NAME, "mkdirat", folder, path)) return -1;
    return real(folder, path, bits);
}
