// Link emulator for the closed network: one TUN device "eth0" per network namespace. IPv4 packets are routed between
// the namespaces by destination address after a one-way delay, with uniform jitter, random loss and an optional rate
// limit per source. It exists because many kernels (containers, CI) have no netem.
//
// usage: tunlink DELAY_MS JITTER_MS LOSS_PERCENT RATE_KIB SEED  NETNS_PATH IPV4 [NETNS_PATH IPV4 ...]
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <poll.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

#define MAX_LINKS 64
#define MAX_PACKET 2048
#define MAX_QUEUED 65536 /* packets in flight over all links, 128 MiB; later ones are dropped */
#define READ_BATCH 64    /* packets per link and wake-up, so that one link cannot starve the others */
#define FIXED_ARGUMENTS 6

struct packet {
  uint64_t due, sequence;
  int to, length;
  struct packet *next_free;
  unsigned char bytes[MAX_PACKET];
};

static struct packet *heap[MAX_QUEUED];
static int queued;
static struct packet *free_list;

static uint64_t now_ns(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (uint64_t)t.tv_sec * 1000000000ull + (uint64_t)t.tv_nsec;
}

static int before(const struct packet *a, const struct packet *b) {
  return a->due < b->due || (a->due == b->due && a->sequence < b->sequence);
}

static void swap(int i, int j) {
  struct packet *t = heap[i];
  heap[i] = heap[j];
  heap[j] = t;
}

static void heap_push(struct packet *p) {
  int i = queued++;
  heap[i] = p;
  for (; i > 0 && before(heap[i], heap[(i - 1) / 2]); i = (i - 1) / 2) swap(i, (i - 1) / 2);
}

static struct packet *heap_pop(void) {
  struct packet *first = heap[0];
  heap[0] = heap[--queued];
  for (int i = 0;;) {
    int child = 2 * i + 1;
    if (child >= queued) break;
    if (child + 1 < queued && before(heap[child + 1], heap[child])) child++;
    if (!before(heap[child], heap[i])) break;
    swap(i, child);
    i = child;
  }
  return first;
}

static struct packet *take(void) {
  struct packet *p = free_list;
  if (p) free_list = p->next_free;
  return p ? p : malloc(sizeof *p);
}

static void give_back(struct packet *p) {
  p->next_free = free_list;
  free_list = p;
}

static int open_tun(const char *netns, int home) {
  int ns = open(netns, O_RDONLY);
  if (ns < 0 || setns(ns, CLONE_NEWNET)) { perror(netns); exit(1); }
  close(ns);
  int fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK);
  struct ifreq request;
  memset(&request, 0, sizeof request);
  strcpy(request.ifr_name, "eth0");
  request.ifr_flags = IFF_TUN | IFF_NO_PI;
  if (fd < 0 || ioctl(fd, TUNSETIFF, &request)) { perror("/dev/net/tun"); exit(1); }
  if (setns(home, CLONE_NEWNET)) { perror("setns"); exit(1); }
  return fd;
}

int main(int argc, char **argv) {
  if (argc < FIXED_ARGUMENTS + 2 || (argc - FIXED_ARGUMENTS) % 2 || (argc - FIXED_ARGUMENTS) / 2 > MAX_LINKS) {
    fprintf(stderr, "usage: tunlink DELAY_MS JITTER_MS LOSS_PERCENT RATE_KIB SEED NETNS IPV4 ...\n");
    return 2;
  }
  double delay = atof(argv[1]), jitter = atof(argv[2]), loss = atof(argv[3]), rate = atof(argv[4]);
  int links = (argc - FIXED_ARGUMENTS) / 2, home = open("/proc/self/ns/net", O_RDONLY);
  struct pollfd poller[MAX_LINKS];
  uint32_t address[MAX_LINKS];
  uint64_t busy_until[MAX_LINKS] = {0}, sequence = 0;
  for (int i = 0; i < links; i++) {
    poller[i].fd = open_tun(argv[FIXED_ARGUMENTS + 2 * i], home);
    poller[i].events = POLLIN;
    address[i] = inet_addr(argv[FIXED_ARGUMENTS + 1 + 2 * i]);
  }
  prctl(PR_SET_TIMERSLACK, 1000, 0, 0, 0);
  srandom((unsigned)atoi(argv[5]));
  printf("ready %d links delay=%g ms jitter=%g ms loss=%g %% rate=%g KiB/s\n", links, delay, jitter, loss, rate);
  fflush(stdout);
  for (;;) {
    uint64_t now = now_ns();
    while (queued && heap[0]->due <= now) {
      struct packet *p = heap_pop();
      if (write(poller[p->to].fd, p->bytes, (size_t)p->length) < 0) { /* receiver down or full: the packet is lost, as on a wire */ }
      give_back(p);
    }
    struct timespec wait, *timeout = NULL;
    if (queued) {
      uint64_t left = heap[0]->due > now ? heap[0]->due - now : 0;
      wait.tv_sec = (time_t)(left / 1000000000ull);
      wait.tv_nsec = (long)(left % 1000000000ull);
      timeout = &wait;
    }
    if (ppoll(poller, (nfds_t)links, timeout, NULL) <= 0) continue;
    for (int i = 0; i < links; i++) {
      if (!(poller[i].revents & POLLIN)) continue;
      for (int n = 0; n < READ_BATCH; n++) {
        struct packet *p = take();
        if (!p) return 1;
        p->length = (int)read(poller[i].fd, p->bytes, MAX_PACKET);
        if (p->length <= 0) { give_back(p); break; }
        int to = -1;
        if (p->length >= 20 && p->bytes[0] >> 4 == 4) {
          uint32_t destination;
          memcpy(&destination, p->bytes + 16, 4);
          for (int j = 0; j < links; j++) if (address[j] == destination) to = j;
        }
        if (to < 0 || queued == MAX_QUEUED || (loss > 0 && random() % 1000000 < loss * 10000)) { give_back(p); continue; }
        uint64_t start = now_ns();
        if (rate > 0) {
          if (busy_until[i] < start) busy_until[i] = start;
          busy_until[i] += (uint64_t)(p->length * 1e9 / (rate * 1024));
          start = busy_until[i];
        }
        double extra = jitter > 0 ? jitter * (double)(random() % 10001) / 10000.0 : 0;
        p->due = start + (uint64_t)((delay + extra) * 1e6);
        p->sequence = sequence++;
        p->to = to;
        heap_push(p);
      }
    }
  }
}
