/* Fails one call of the process it is loaded into (LD_PRELOAD): the FAULT_AT-th of those named FAULT_CALL
 * (write, open, rename, mmap, alloc), counted from 1, and notes in the file FAULT_LOG what failed.
 * mmap and alloc count calls of at least FAULT_BYTES bytes, or 1.
 * Build: cc -shared -fPIC -O1 -o shim.so shim.c -ldl                                                        */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

static long calls;

/* Whether this call is the one; `what` goes to the log. Allocates nothing. */
static int fails(const char *call, const char *what, size_t bytes) {
    const char *name = getenv("FAULT_CALL"), *at = getenv("FAULT_AT"), *least = getenv("FAULT_BYTES");
    if (!name || !at || strcmp(name, call) || bytes < (least ? strtoul(least, 0, 10) : 1)) return 0;
    if (__atomic_add_fetch(&calls, 1, __ATOMIC_SEQ_CST) != atol(at)) return 0;
    const char *log = getenv("FAULT_LOG");
    long fd = log ? syscall(SYS_openat, AT_FDCWD, log, O_WRONLY | O_CREAT | O_APPEND, 0644) : -1;
    if (fd >= 0) {
        syscall(SYS_write, fd, what, strlen(what));
        syscall(SYS_close, fd);
    }
    return 1;
}

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

ssize_t write(int fd, const void *buffer, size_t count) {
    char link[64], path[4096] = "";
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    long length = syscall(SYS_readlinkat, AT_FDCWD, link, path, sizeof path - 1);
    if (length < 0) length = 0;
    path[length] = 0;
    if (fd == 1) strcpy(path, "stdout");
    if (fd == 2) strcpy(path, "stderr");
    if (fails("write", path, 1)) { errno = ENOSPC; return -1; }
    return syscall(SYS_write, fd, buffer, count);
}

static int opened(const char *path, int flags, mode_t mode) {
    if (fails("open", path, 1)) { errno = EMFILE; return -1; }
    return syscall(SYS_openat, AT_FDCWD, path, flags, mode);
}
int open(const char *path, int flags, ...) {
    va_list list;
    va_start(list, flags);
    mode_t mode = va_arg(list, mode_t);
    va_end(list);
    return opened(path, flags, mode);
}
int open64(const char *path, int flags, ...) {
    va_list list;
    va_start(list, flags);
    mode_t mode = va_arg(list, mode_t);
    va_end(list);
    return opened(path, flags, mode);
}

int rename(const char *from, const char *to) {
    if (fails("rename", to, 1)) { errno = EIO; return -1; }
    return syscall(SYS_renameat, AT_FDCWD, from, AT_FDCWD, to);
}

static void *mapped(void *address, size_t bytes, int protection, int flags, int fd, off_t offset) {
    if (fails("mmap", "mmap", bytes)) { errno = ENOMEM; return MAP_FAILED; }
    return (void *)syscall(SYS_mmap, address, bytes, protection, flags, fd, offset);
}
void *mmap(void *a, size_t n, int p, int f, int d, off_t o) { return mapped(a, n, p, f, d, o); }
void *mmap64(void *a, size_t n, int p, int f, int d, off_t o) { return mapped(a, n, p, f, d, o); }

extern void *__libc_malloc(size_t), *__libc_calloc(size_t, size_t), *__libc_realloc(void *, size_t);
extern void *__libc_memalign(size_t, size_t);
static void *refused(void) { errno = ENOMEM; return 0; }
void *malloc(size_t n) { return fails("alloc", "malloc", n) ? refused() : __libc_malloc(n); }
void *calloc(size_t k, size_t n) { return fails("alloc", "calloc", k * n) ? refused() : __libc_calloc(k, n); }
void *realloc(void *p, size_t n) { return fails("alloc", "realloc", n) ? refused() : __libc_realloc(p, n); }
int posix_memalign(void **p, size_t align, size_t n) {
    if (fails("alloc", "posix_memalign", n)) return ENOMEM;
    *p = __libc_memalign(align, n);
    return *p ? 0 : ENOMEM;
}
