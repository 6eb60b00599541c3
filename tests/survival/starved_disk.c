/* To be preloaded: a disk that is slow, or full after some writes, under files whose names hold STARVED_NAME.
   STARVED_AFTER: writes of a process that succeed, those that follow fail for want of space; STARVED_RANK:
   only on this rank; STARVED_DELAY: seconds that a write or a flush takes longer; STARVED_FOLDERS: folders
   cannot be flushed; STARVED_UNLINK: seconds that removing takes. Space cannot be set aside, as on NFS; with
   STARVED_QUOTA, the name of a file, it can unless that file is there: a quota has no room for one more. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

static atomic_long writes;

static const char* setting(const char* name, const char* otherwise) {
  const char* const value = getenv(name);
  return value != NULL ? value : otherwise;
}

static int is_starved(int file) {
  char link[64], path[4096];
  snprintf(link, sizeof link, "/proc/self/fd/%d", file);
  const ssize_t length = readlink(link, path, sizeof path - 1);
  if (length < 0) return 0;
  path[length] = 0;
  const char* const rank = setting("STARVED_RANK", "");
  return strstr(path, setting("STARVED_NAME", "/")) != NULL &&
         (*rank == 0 || strcmp(rank, setting("OMPI_COMM_WORLD_RANK", "")) == 0);
}

static void delay(void) {
  const double seconds = atof(setting("STARVED_DELAY", "0"));
  const struct timespec wait = {(time_t)seconds, (long)(1e9 * (seconds - (double)(time_t)seconds))};
  if (seconds > 0) nanosleep(&wait, NULL);
}

/* Whether a write may go on. */
static int has_space(int file) {
  if (!is_starved(file)) return 1;
  delay();
  if (atomic_fetch_add(&writes, 1) < atol(setting("STARVED_AFTER", "1000000000"))) return 1;
  errno = ENOSPC;
  return 0;
}

#define STARVED(type, name, parameters, arguments)                                \
  type name parameters {                                                          \
    static type(*original) parameters;                                            \
    if (original == NULL) original = (type(*) parameters)dlsym(RTLD_NEXT, #name); \
    return has_space(file) ? original arguments : -1;                             \
  }

STARVED(ssize_t, write, (int file, const void* bytes, size_t size), (file, bytes, size))
STARVED(ssize_t, pwrite, (int file, const void* bytes, size_t size, off_t place), (file, bytes, size, place))
STARVED(ssize_t, pwrite64, (int file, const void* bytes, size_t size, off64_t place),
        (file, bytes, size, place))
STARVED(ssize_t, writev, (int file, const struct iovec* parts, int count), (file, parts, count))
STARVED(ssize_t, pwritev, (int file, const struct iovec* parts, int count, off_t place),
        (file, parts, count, place))
STARVED(ssize_t, pwritev64, (int file, const struct iovec* parts, int count, off64_t place),
        (file, parts, count, place))

int fsync(int file) {
  static int (*original)(int);
  if (original == NULL) original = (int (*)(int))dlsym(RTLD_NEXT, "fsync");
  if (is_starved(file)) delay();
  struct stat status;
  if (is_starved(file) && *setting("STARVED_FOLDERS", "") != 0 && fstat(file, &status) == 0 && S_ISDIR(status.st_mode)) {
    errno = EINVAL;
    return -1;
  }
  return original(file);
}

int unlink(const char* path) {
  static int (*original)(const char*);
  if (original == NULL) original = (int (*)(const char*))dlsym(RTLD_NEXT, "unlink");
  if (strstr(path, setting("STARVED_NAME", "/")) != NULL) sleep((unsigned)atoi(setting("STARVED_UNLINK", "0")));
  return original(path);
}

static int no_space_aside(int file, const char* name, int mode, off64_t first, off64_t size) {
  int (*const original)(int, int, off64_t, off64_t) =
      (int (*)(int, int, off64_t, off64_t))dlsym(RTLD_NEXT, name);
  const char* const quota = setting("STARVED_QUOTA", "");
  const int full = *quota != 0 && access(quota, F_OK) == 0;
  if (!is_starved(file) || (*quota != 0 && !full)) return original(file, mode, first, size);
  errno = full ? EDQUOT : EOPNOTSUPP;
  return -1;
}
int fallocate(int file, int mode, off_t first, off_t size) {
  return no_space_aside(file, "fallocate", mode, first, size);
}
int fallocate64(int file, int mode, off64_t first, off64_t size) {
  return no_space_aside(file, "fallocate64", mode, first, size);
}
