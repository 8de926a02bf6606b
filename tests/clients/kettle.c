// A program that crashes on demand, watched by Crashpad's own handler, which sends the dump.
// Arguments: bug, folder for dumps, address to send to, handler.
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define APART __attribute__((noinline))

// What the handler reads of the process that it is told about.
struct told { uint64_t siginfo, context; int32_t thread; } __attribute__((packed));
static struct told told;
static char *words[16];

static void crashed(int number, siginfo_t *info, void *context) {
  told.siginfo = (uint64_t)info;
  told.context = (uint64_t)context;
  told.thread = (int32_t)syscall(SYS_gettid);
  prctl(PR_SET_DUMPABLE, 1);
  prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY);
  pid_t child = fork();
  if (child == 0) {
    execv(words[0], words);
    _exit(99);
  }
  int status;
  waitpid(child, &status, 0);
  signal(number, SIG_DFL);
  raise(number);
}

void watch(char *folder, char *address, char *handler) {
  static char database[4096], url[4096], place[128], event[256];
  snprintf(database, sizeof database, "--database=%s", folder);
  snprintf(url, sizeof url, "--url=%s", address);
  snprintf(place, sizeof place, "--trace-parent-with-exception=0x%lx", (unsigned long)&told);
  snprintf(event, sizeof event, "--annotation=sentry={\"release\":\"kettle@1.0.0\",\"user\":{\"id\":\"cook-1\"}}");
  char *all[] = {handler, database, url, place, "--no-rate-limit", "--no-upload-gzip", "--annotation=prod=kettle", event, 0};
  memcpy(words, all, sizeof all);
  // The handler runs on a stack of its own: the program's may have run over.
  stack_t other = {.ss_sp = mmap(0, 1 << 17, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), .ss_size = 1 << 17};
  sigaltstack(&other, 0);
  struct sigaction action = {0};
  action.sa_sigaction = crashed;
  action.sa_flags = SA_SIGINFO | SA_ONSTACK;
  int numbers[] = {SIGSEGV, SIGABRT, SIGFPE, SIGILL, SIGBUS};
  for (int i = 0; i < 5; i++) sigaction(numbers[i], &action, 0);
}

#ifndef WATCH_ALONE
APART int boil(volatile int *water) { return *water + 1; } // boil
APART void whistle(void) { abort(); } // whistle
APART int overflow(int depth) { volatile char room[512]; room[0] = (char)depth; return overflow(depth + 1) + room[0]; } // overflow
APART void *fill_alloc(size_t litres) { void *p = malloc(litres); if (!p) abort(); return p; } // fill_alloc

int main(int count, char **values) {
  if (count < 5) return 2;
  watch(values[2], values[3], values[4]);
  volatile size_t much = (size_t)1 << 60;
  if (!strcmp(values[1], "boil")) return boil(0);
  if (!strcmp(values[1], "whistle")) whistle();
  if (!strcmp(values[1], "overflow")) return overflow(0);
  if (!strcmp(values[1], "fill_alloc")) return fill_alloc(much) != 0;
  return 3;
}
#endif
