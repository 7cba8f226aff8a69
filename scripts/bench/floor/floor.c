// What no client can do better: one thread that waits in epoll, reads what has come and counts its events. Nothing is parsed,
// no time is taken, nothing is kept. Prints a line as `bench client` does.
//
// usage: floor PORT STREAMS REQUESTS TOKENS    each stream sends so many requests, one after the other
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static char buf[1 << 16], request[1024];
static int size;
static long events;

static void fail(const char *what) {
	fprintf(stderr, "floor: %s: %s\n", what, strerror(errno));
	exit(1);
}

static double seconds(void) {
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec + t.tv_nsec * 1e-9;
}

static double used(void) {
	struct rusage r;
	getrusage(RUSAGE_SELF, &r);
	return r.ru_utime.tv_sec + r.ru_stime.tv_sec + (r.ru_utime.tv_usec + r.ru_stime.tv_usec) * 1e-6;
}

static void ask(int fd) {
	if (write(fd, request, size) != size) fail("asking");
}

static int dial(int port) {
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int fd = socket(AF_INET, SOCK_STREAM, 0), one = 1;
	if (fd < 0 || connect(fd, (struct sockaddr *)&to, sizeof to)) fail("connecting");
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
	return fd;
}

// heard reads what has come and says whether an answer has ended: the simulator writes each event in one piece.
static int heard(int fd) {
	int n = read(fd, buf, sizeof buf);
	if (n <= 0) fail("an answer broke off");
	if (memmem(buf, n, "HTTP/1.1 4", 10) || memmem(buf, n, "HTTP/1.1 5", 10)) fail("an answer is an error");
	for (char *at = buf; (at = memmem(at, buf + n - at, "data: ", 6)); at += 6) {
		events++;
		if (at + 12 <= buf + n && !memcmp(at + 6, "[DONE]", 6)) return 1;
	}
	return 0;
}

int main(int argc, char **argv) {
	if (argc != 5) return fprintf(stderr, "usage: floor PORT STREAMS REQUESTS TOKENS\n"), 2;
	int port = atoi(argv[1]), streams = atoi(argv[2]), each = atoi(argv[3]), tokens = atoi(argv[4]);
	char body[512];
	int length = snprintf(body, sizeof body, "{\"model\":\"sim-model\",\"stream\":true,\"max_tokens\":%d,\"ignore_eos\":true,"
		"\"stream_options\":{\"include_usage\":true},\"messages\":[{\"role\":\"user\",\"content\":\"say something\"}]}", tokens);
	size = snprintf(request, sizeof request, "POST /v1/chat/completions HTTP/1.1\r\nHost: floor\r\nContent-Type: application/json\r\n"
		"Content-Length: %d\r\n\r\n%s", length, body);
	int set = epoll_create1(0), *left = calloc(65536, sizeof *left), open = streams, started = 0;
	double begin = seconds(), before = used();
	while (open) {
		// The streams begin evenly over the time that one takes, 5.1 s, so that their events do not come together.
		for (; started < streams && seconds() >= begin + 5.1 * started / streams; started++) {
			int fd = dial(port);
			left[fd] = each;
			struct epoll_event e = {.events = EPOLLIN | EPOLLET, .data.fd = fd};
			if (epoll_ctl(set, EPOLL_CTL_ADD, fd, &e)) fail("waiting");
			ask(fd);
		}
		struct epoll_event ready[256];
		int n = epoll_wait(set, ready, 256, started < streams ? 1 : -1);
		for (int i = 0; i < n; i++) {
			int fd = ready[i].data.fd;
			if (!heard(fd)) continue;
			if (--left[fd]) ask(fd);
			else close(fd), open--;
		}
	}
	double cpu = used() - before;
	printf("client c=%-5d %-11s events=%ld cpu-s=%.2f events/cpu-s=%6.0f share=%5.1f%% errors=0\n", streams, "epoll-in-C", events, cpu,
		events / cpu, 100 * cpu / (seconds() - begin));
	return 0;
}
