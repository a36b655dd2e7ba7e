/* A disk that fills up or becomes slow, for one process: preloaded into an engine (LD_PRELOAD), it lets regular files below
 * the folder it was started in, where engines keep their data, meet what a control file says. It keeps no data of its own
 * and changes nothing that was written before.
 *
 *   FAULTYDISK_CONTROL   names a file of 16 bytes that is there before the process starts; its first word is one of
 *     ok          everything passes
 *     full        nothing can grow: ENOSPC; what is written over old bytes passes, as on ext4 and xfs
 *     slow <ms>   everything passes, and each fsync, fdatasync or sync_file_range takes that much longer
 *
 * As on a real disk, the first write that meets a full one gets half of its bytes through, and only the next one the error.
 * Not covered: openat, what the C library writes by itself (fprintf), io_uring, and mmap; Valkey and PostgreSQL use these for
 * nothing that must last.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#define CONTROL_BYTES 16
#define SLOW_MAX_MS 60000

enum mode { OK, FULL, SLOW };

static char folder[PATH_MAX];
static size_t folder_length;
static const char *control; /* mapped, so that a change is seen at once and costs no system call */
static atomic_bool was_full; /* whether a write has already been cut in half since the disk is full */

/* Resolved at the first use: other preloaded libraries' constructors may write before ours ran. */
#define REAL(name)                                                       \
    static __typeof__(name) *real;                                       \
    if (real == NULL) real = (__typeof__(name) *)dlsym(RTLD_NEXT, #name)

__attribute__((constructor)) static void begin(void)
{
    const char *path = getenv("FAULTYDISK_CONTROL");
    if (path == NULL) return;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    struct stat about;
    if (fd >= 0 && fstat(fd, &about) == 0 && about.st_size >= CONTROL_BYTES) {
        void *mapped = mmap(NULL, CONTROL_BYTES, PROT_READ, MAP_SHARED, fd, 0);
        if (mapped != MAP_FAILED && getcwd(folder, sizeof folder - 1) != NULL) control = mapped;
        folder_length = strlen(strcat(folder, "/"));
    }
    if (fd >= 0) close(fd);
    if (control == NULL) {
        /* A test that believes in a fault which never comes proves nothing. */
        fprintf(stderr, "faultydisk: %s cannot be read\n", path);
        _exit(70);
    }
}

static enum mode mode(int *slow_ms)
{
    if (control == NULL) return OK;
    char text[CONTROL_BYTES + 1] = {0};
    memcpy(text, control, CONTROL_BYTES);
    if (strncmp(text, "full", 4) == 0) return FULL;
    atomic_store(&was_full, 0);
    if (strncmp(text, "slow ", 5) != 0) return OK;
    if (slow_ms != NULL) {
        *slow_ms = atoi(text + 5);
        if (*slow_ms < 0 || *slow_ms > SLOW_MAX_MS) *slow_ms = SLOW_MAX_MS;
    }
    return SLOW;
}

static int ours(int fd, struct stat *about)
{
    char link[32], path[PATH_MAX];
    if (fstat(fd, about) != 0 || !S_ISREG(about->st_mode)) return 0;
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, sizeof path);
    return length >= (ssize_t)folder_length && memcmp(path, folder, folder_length) == 0;
}

/* How many of `bytes` the disk takes at `offset` (-1: where the file stands): all, the first half, or -1 for ENOSPC. */
static ssize_t room_for(int fd, size_t bytes, off_t offset)
{
    struct stat about;
    if (mode(NULL) != FULL || bytes == 0 || !ours(fd, &about)) return (ssize_t)bytes;
    if (offset < 0) offset = fcntl(fd, F_GETFL) & O_APPEND ? about.st_size : lseek(fd, 0, SEEK_CUR);
    if (offset + (off_t)bytes <= about.st_size) return (ssize_t)bytes;
    if (!atomic_exchange(&was_full, 1) && bytes > 1) return (ssize_t)(bytes / 2);
    errno = ENOSPC;
    return -1;
}

ssize_t write(int fd, const void *buffer, size_t bytes)
{
    REAL(write);
    ssize_t room = room_for(fd, bytes, -1);
    return room < 0 ? -1 : real(fd, buffer, (size_t)room);
}

ssize_t pwrite(int fd, const void *buffer, size_t bytes, off_t offset)
{
    REAL(pwrite);
    ssize_t room = room_for(fd, bytes, offset);
    return room < 0 ? -1 : real(fd, buffer, (size_t)room, offset);
}

static size_t total(const struct iovec *parts, int count)
{
    size_t bytes = 0;
    for (int i = 0; i < count; i++) bytes += parts[i].iov_len;
    return bytes;
}

/* Of several parts only the first is written when they do not all fit: a short write, as the callers must expect. */
static struct iovec cut(const struct iovec *parts, ssize_t room)
{
    return (struct iovec){parts[0].iov_base, parts[0].iov_len < (size_t)room ? parts[0].iov_len : (size_t)room};
}

ssize_t writev(int fd, const struct iovec *parts, int count)
{
    REAL(writev);
    size_t bytes = total(parts, count);
    ssize_t room = room_for(fd, bytes, -1);
    if (room < 0) return -1;
    if ((size_t)room == bytes) return real(fd, parts, count);
    struct iovec first = cut(parts, room);
    return real(fd, &first, 1);
}

ssize_t pwritev(int fd, const struct iovec *parts, int count, off_t offset)
{
    REAL(pwritev);
    size_t bytes = total(parts, count);
    ssize_t room = room_for(fd, bytes, offset);
    if (room < 0) return -1;
    if ((size_t)room == bytes) return real(fd, parts, count, offset);
    struct iovec first = cut(parts, room);
    return real(fd, &first, 1, offset);
}

ssize_t pwritev2(int fd, const struct iovec *parts, int count, off_t offset, int flags)
{
    REAL(pwritev2);
    size_t bytes = total(parts, count);
    ssize_t room = room_for(fd, bytes, offset);
    if (room < 0) return -1;
    if ((size_t)room == bytes) return real(fd, parts, count, offset, flags);
    struct iovec first = cut(parts, room);
    return real(fd, &first, 1, offset, flags);
}

static int may_reserve(int fd, off_t end)
{
    struct stat about;
    return mode(NULL) != FULL || !ours(fd, &about) || end <= about.st_size;
}

int posix_fallocate(int fd, off_t offset, off_t bytes)
{
    REAL(posix_fallocate);
    return may_reserve(fd, offset + bytes) ? real(fd, offset, bytes) : ENOSPC; /* returned, not in errno */
}

int fallocate(int fd, int how, off_t offset, off_t bytes)
{
    REAL(fallocate);
    if (may_reserve(fd, offset + bytes)) return real(fd, how, offset, bytes);
    errno = ENOSPC;
    return -1;
}

int ftruncate(int fd, off_t bytes)
{
    REAL(ftruncate);
    struct stat about; /* to become shorter needs no room on any disk */
    if (mode(NULL) != FULL || !ours(fd, &about) || bytes <= about.st_size) return real(fd, bytes);
    errno = ENOSPC;
    return -1;
}

/* A new file needs room for its name. Relative paths count from the working folder: the engines' data. */
static int may_make(const char *path, int flags)
{
    if (!(flags & O_CREAT) || mode(NULL) != FULL || access(path, F_OK) == 0) return 1;
    return path[0] == '/' && strncmp(path, folder, folder_length) != 0;
}

int open(const char *path, int flags, ...)
{
    REAL(open);
    va_list more;
    va_start(more, flags);
    mode_t permissions = flags & (O_CREAT | O_TMPFILE) ? va_arg(more, mode_t) : 0;
    va_end(more);
    if (may_make(path, flags)) return real(path, flags, permissions);
    errno = ENOSPC;
    return -1;
}

static void drag(int fd)
{
    int slow_ms = 0;
    struct stat about;
    if (mode(&slow_ms) != SLOW || !ours(fd, &about)) return;
    struct timespec left = {slow_ms / 1000, (long)(slow_ms % 1000) * 1000000L};
    while (nanosleep(&left, &left) != 0 && errno == EINTR) continue;
}

int fsync(int fd)
{
    REAL(fsync);
    drag(fd);
    return real(fd);
}

int fdatasync(int fd)
{
    REAL(fdatasync);
    drag(fd);
    return real(fd);
}

int sync_file_range(int fd, off_t offset, off_t bytes, unsigned int flags)
{
    REAL(sync_file_range);
    drag(fd);
    return real(fd, offset, bytes, flags);
}

/* Programs built with 64-bit offsets call these names; on 64-bit Linux off_t is the same, so both are one function. */
ssize_t pwrite64(int, const void *, size_t, off_t) __attribute__((alias("pwrite")));
ssize_t pwritev64(int, const struct iovec *, int, off_t) __attribute__((alias("pwritev")));
ssize_t pwritev64v2(int, const struct iovec *, int, off_t, int) __attribute__((alias("pwritev2")));
int posix_fallocate64(int, off_t, off_t) __attribute__((alias("posix_fallocate")));
int fallocate64(int, int, off_t, off_t) __attribute__((alias("fallocate")));
int ftruncate64(int, off_t) __attribute__((alias("ftruncate")));
int open64(const char *, int, ...) __attribute__((alias("open")));
