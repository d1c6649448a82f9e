// Clients that send events over many connections, and count what is acknowledged and how long it took.
//
//   load port=N requests=FILE tokens=FILE tag=XXXXXX [connections=N] [rate=N] [seconds=N] [report=N] [from=ADDRESS]
//        [once=1] [again=1]
//
// With a rate, requests are due at fixed times, whatever became of those before them, and the time of an answer is
// counted from when its request was due: so a server that stands still is charged for all who would have come
// meanwhile. Without one, each connection sends its next request when the last one is answered.
// At the end nothing new is sent and what is under way is waited for, so that the counts of both sides can be equal.
// It is one thread, and is written in C to take little of a processor that it may share with the server.

#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#define SECOND 1000000000LL
#define PATIENCE (10 * SECOND)  // for the last answers
#define INPUT_MAX 8192
#define PLACES_MAX 64           // events of a request, and so places of an id
#define KINDS_MAX 16            // of requests
#define LATENCY_BITS 7          // a bucket is at most 1/128 of what is in it
#define BUCKETS (64 << LATENCY_BITS)

struct template {
    char *bytes;
    size_t length, token;
    size_t ids[PLACES_MAX], digits[2 * PLACES_MAX];
    int id_count, digit_count;
};

enum state { CLOSED, CONNECTING, READY, WAITING };

struct connection {
    int fd, number;
    enum state state;
    int64_t due, sent, closed_until;
    char *output;
    size_t length, written, filled;
    char input[INPUT_MAX];
};

struct times {
    uint64_t count, sum, max, buckets[BUCKETS];
};

static struct template kinds[KINDS_MAX];
static int kind_count, events_each;
static char **tokens;
static size_t token_count, token_length;
static struct connection *connections, **ready;
static int connection_count = 256, ready_first, ready_count, waiting, closed;
static int poller, port;
static const char *tag = "000000", *source;
static bool once, again;
static double rate, seconds = 5, report;
static uint64_t made, due_count, acknowledged, failed, refused_connections, statuses[600];
static struct times latency, lateness, interval_latency;
static uint64_t interval_acknowledged, interval_failed;
static volatile sig_atomic_t stopped;

static int64_t now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec * SECOND + time.tv_nsec;
}

static void die(const char *what) {
    perror(what);
    exit(1);
}

// MARK: Times

static void record(struct times *times, int64_t nanoseconds) {
    uint64_t value = nanoseconds > 0 ? (uint64_t)nanoseconds : 0;
    int shift = value >> LATENCY_BITS ? 63 - __builtin_clzll(value) - LATENCY_BITS : 0;
    times->buckets[((size_t)shift << LATENCY_BITS) + (value >> shift)]++;
    times->count++;
    times->sum += value;
    if (value > times->max) times->max = value;
}

// In milliseconds.
static double percentile(const struct times *times, double share) {
    uint64_t wanted = (uint64_t)(share * (double)times->count), seen = 0;
    for (size_t index = 0; index < BUCKETS; index++) {
        seen += times->buckets[index];
        if (seen <= wanted) continue;
        size_t shift = index >> LATENCY_BITS;
        if (shift) shift--;
        return (double)((uint64_t)(index - (shift << LATENCY_BITS)) << shift) / 1e6;
    }
    return (double)times->max / 1e6;
}

// MARK: Requests

// A file of requests: a line with the length, then that many bytes, and so on. In them ################ is the place of
// an id, ~~~ that of a token, ^^^ that of three digits that change.
static void read_requests(const char *path) {
    FILE *file = fopen(path, "rb");
    if (!file) die(path);
    size_t length;
    while (kind_count < KINDS_MAX && fscanf(file, "%zu", &length) == 1 && fgetc(file) == '\n') {
        struct template *kind = &kinds[kind_count++];
        kind->length = length;
        kind->bytes = malloc(length + 1);
        if (fread(kind->bytes, 1, length, file) != length) die(path);
        kind->bytes[length] = 0;
        for (size_t at = 0; at < length; at++) {
            if (!strncmp(kind->bytes + at, "################", 16) && kind->id_count < PLACES_MAX) {
                kind->ids[kind->id_count++] = at;
                at += 15;
            } else if (!strncmp(kind->bytes + at, "^^^", 3) && kind->digit_count < 2 * PLACES_MAX) {
                kind->digits[kind->digit_count++] = at;
                at += 2;
            } else if (kind->bytes[at] == '~' && !kind->token) {
                kind->token = at;
            }
        }
        events_each = kind->id_count;
    }
    fclose(file);
}

static void read_tokens(const char *path) {
    FILE *file = fopen(path, "r");
    if (!file) die(path);
    char line[1024];
    while (fgets(line, sizeof line, file)) {
        line[strcspn(line, "\n")] = 0;
        tokens = realloc(tokens, (token_count + 1) * sizeof *tokens);
        tokens[token_count++] = strdup(line);
        token_length = strlen(line);
    }
    fclose(file);
}

static void compose(struct connection *connection) {
    const struct template *kind = &kinds[made % (uint64_t)kind_count];
    char count[24];
    snprintf(count, sizeof count, "%010llu", (unsigned long long)made);
    memcpy(connection->output, kind->bytes, kind->length);
    memcpy(connection->output + kind->token, tokens[made % token_count], token_length);
    for (int index = 0; index < kind->id_count; index++) {
        memcpy(connection->output + kind->ids[index], tag, 6);
        memcpy(connection->output + kind->ids[index] + 6, count, 10);
    }
    for (int index = 0; index < kind->digit_count; index++)
        memcpy(connection->output + kind->digits[index], count + 7, 3);
    connection->length = kind->length;
    connection->written = connection->filled = 0;
    made++;
}

// MARK: Connections

static void watch(struct connection *connection, uint32_t events, int operation) {
    struct epoll_event event = {.events = events, .data.ptr = connection};
    epoll_ctl(poller, operation, connection->fd, &event);
}

// Those that are ready take turns.
static void enter(struct connection *connection) {
    connection->state = READY;
    ready[(ready_first + ready_count++) % connection_count] = connection;
}

static struct connection *next_ready(void) {
    struct connection *connection = ready[ready_first];
    ready_first = (ready_first + 1) % connection_count;
    ready_count--;
    return connection;
}

// A star in the address stands for a number that differs between connections.
static int bind_source(struct connection *connection) {
    char text[64], number[8];
    const char *star = strchr(source, '*');
    static unsigned turn;
    snprintf(number, sizeof number, "%u", (once ? turn++ : (unsigned)connection->number) % 250 + 1);
    if (star)
        snprintf(text, sizeof text, "%.*s%s%s", (int)(star - source), source, number, star + 1);
    else
        snprintf(text, sizeof text, "%s", source);
    struct sockaddr_in address = {.sin_family = AF_INET};
    inet_pton(AF_INET, text, &address.sin_addr);
    int yes = 1;
    setsockopt(connection->fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &yes, sizeof yes);
    return bind(connection->fd, (struct sockaddr *)&address, sizeof address);
}

static void open_connection(struct connection *connection) {
    connection->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (connection->fd < 0) die("socket");
    int yes = 1;
    setsockopt(connection->fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    int problem = source ? bind_source(connection) : 0;
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    connection->state = CONNECTING;
    if (problem
        || (connect(connection->fd, (struct sockaddr *)&address, sizeof address) && errno != EINPROGRESS)) {
        close(connection->fd);
        connection->state = CLOSED;
        connection->closed_until = again ? now() + SECOND / 100 : INT64_MAX;
        refused_connections++;
        closed++;
        return;
    }
    watch(connection, EPOLLOUT, EPOLL_CTL_ADD);
}

static void reopen(struct connection *connection, bool after_failure) {
    if (connection->state == READY) {
        for (int index = ready_count; index > 0; index--) {
            struct connection *other = next_ready();
            if (other != connection) enter(other);
        }
    }
    close(connection->fd);
    connection->state = CLOSED;
    connection->closed_until = after_failure ? (again ? now() + SECOND / 100 : INT64_MAX) : 0;
    closed++;
}

static void fail(struct connection *connection) {
    if (connection->state == WAITING) {
        failed++;
        interval_failed++;
        waiting--;
    } else {
        refused_connections++;
    }
    reopen(connection, true);
}

static void put(struct connection *connection) {
    while (connection->written < connection->length) {
        ssize_t count = send(connection->fd, connection->output + connection->written,
            connection->length - connection->written, MSG_NOSIGNAL);
        if (count < 0 && errno == EAGAIN) return watch(connection, EPOLLIN | EPOLLOUT, EPOLL_CTL_MOD);
        if (count < 0) return fail(connection);
        connection->written += (size_t)count;
    }
}

static void begin(struct connection *connection, int64_t due) {
    compose(connection);
    connection->state = WAITING;
    waiting++;
    connection->sent = now();
    connection->due = due ? due : connection->sent;
    if (due) record(&lateness, connection->sent - due);
    put(connection);
}

static void finish(struct connection *connection, int status, bool closes) {
    int64_t took = now() - connection->due;
    waiting--;
    statuses[status < 600 ? status : 0]++;
    if (status == 204) {
        acknowledged++;
        interval_acknowledged++;
    }
    record(&latency, took);
    record(&interval_latency, took);
    connection->state = CLOSED;
    if (closes || once) {
        reopen(connection, false);
    } else {
        enter(connection);
    }
}

static void get(struct connection *connection) {
    ssize_t count = recv(
        connection->fd, connection->input + connection->filled, INPUT_MAX - 1 - connection->filled, 0);
    if (count < 0 && errno == EAGAIN) return;
    if (count <= 0 || connection->state != WAITING) return fail(connection);
    connection->filled += (size_t)count;
    connection->input[connection->filled] = 0;
    char *end = strstr(connection->input, "\r\n\r\n");
    if (!end) return connection->filled < INPUT_MAX - 1 ? (void)0 : fail(connection);
    size_t body = 0;
    bool closes = false;
    for (char *line = strstr(connection->input, "\r\n"); line && line < end; line = strstr(line + 2, "\r\n")) {
        if (!strncasecmp(line + 2, "content-length:", 15)) body = strtoul(line + 17, NULL, 10);
        if (!strncasecmp(line + 2, "connection: close", 17)) closes = true;
    }
    if (connection->filled < (size_t)(end + 4 - connection->input) + body) return;
    finish(connection, atoi(connection->input + 9), closes);
}

// MARK: The run

static void print(const char *name, double elapsed, const struct times *times, uint64_t answered, uint64_t lost) {
    printf("{\"%s\":%.3f,\"acknowledged\":%llu,\"failed\":%llu,\"p50_ms\":%.4f,\"p99_ms\":%.4f,\"p999_ms\":%.4f,"
        "\"max_ms\":%.4f,\"mean_ms\":%.4f", name, elapsed, (unsigned long long)answered, (unsigned long long)lost,
        percentile(times, 0.5), percentile(times, 0.99), percentile(times, 0.999), (double)times->max / 1e6,
        times->count ? (double)times->sum / (double)times->count / 1e6 : 0);
}

static void print_interval(double elapsed) {
    print("interval", elapsed, &interval_latency, interval_acknowledged, interval_failed);
    printf("}\n");
    fflush(stdout);
    memset(&interval_latency, 0, sizeof interval_latency);
    interval_acknowledged = interval_failed = 0;
}

static void print_end(double elapsed) {
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    print("elapsed", elapsed, &latency, acknowledged, failed);
    printf(",\"made\":%llu,\"not_sent\":%llu,\"events_each\":%d,\"refused_connections\":%llu,\"late_p99_ms\":%.4f,"
        "\"cpu_seconds\":%.3f,\"statuses\":{", (unsigned long long)made,
        (unsigned long long)(rate > 0 ? due_count - made : 0), events_each, (unsigned long long)refused_connections,
        percentile(&lateness, 0.99),
        (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec)
            + (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6);
    bool first = true;
    for (int status = 0; status < 600; status++) {
        if (!statuses[status]) continue;
        printf("%s\"%d\":%llu", first ? "" : ",", status, (unsigned long long)statuses[status]);
        first = false;
    }
    printf("}}\n");
}

static void stop(int signal) {
    (void)signal;
    stopped = 1;
}

static void option(const char *argument) {
    const char *value = strchr(argument, '=');
    if (!value) exit(64);
    size_t length = (size_t)(value++ - argument);
#define IS(name) (length == sizeof name - 1 && !strncmp(argument, name, length))
    if (IS("port")) port = atoi(value);
    else if (IS("requests")) read_requests(value);
    else if (IS("tokens")) read_tokens(value);
    else if (IS("tag")) tag = value;
    else if (IS("connections")) connection_count = atoi(value);
    else if (IS("rate")) rate = atof(value);
    else if (IS("seconds")) seconds = atof(value);
    else if (IS("report")) report = atof(value);
    else if (IS("from")) source = value;
    else if (IS("once")) once = atoi(value);
    else if (IS("again")) again = atoi(value);
    else exit(64);
}

static void handle(struct connection *connection, uint32_t events) {
    if (connection->state == CLOSED) return;
    if (connection->state == CONNECTING) {
        int problem = 0;
        socklen_t size = sizeof problem;
        getsockopt(connection->fd, SOL_SOCKET, SO_ERROR, &problem, &size);
        if (problem) return fail(connection);
        watch(connection, EPOLLIN, EPOLL_CTL_MOD);
        return enter(connection);
    }
    if (events & EPOLLOUT) {
        watch(connection, EPOLLIN, EPOLL_CTL_MOD);
        put(connection);
    }
    if (connection->state != CLOSED && events & (EPOLLIN | EPOLLERR | EPOLLHUP)) get(connection);
}

int main(int count, char **arguments) {
    for (int index = 1; index < count; index++) option(arguments[index]);
    if (!port || !kind_count || !token_count || strlen(tag) != 6) exit(64);
    signal(SIGTERM, stop);
    prctl(PR_SET_TIMERSLACK, 1);
    poller = epoll_create1(EPOLL_CLOEXEC);
    connections = calloc((size_t)connection_count, sizeof *connections);
    ready = calloc((size_t)connection_count, sizeof *ready);
    size_t longest = 0;
    for (int index = 0; index < kind_count; index++)
        if (kinds[index].length > longest) longest = kinds[index].length;
    for (int index = 0; index < connection_count; index++) {
        connections[index].number = index;
        connections[index].output = malloc(longest);
        open_connection(&connections[index]);
    }
    // All are connected before the time begins.
    struct epoll_event events[256];
    int64_t begun = now();
    while (!once && ready_count + closed < connection_count && now() - begun < PATIENCE) {
        int found = epoll_wait(poller, events, 256, 100);
        for (int index = 0; index < found; index++) handle(events[index].data.ptr, events[index].events);
    }
    begun = now();
    int64_t end = seconds > 0 ? begun + (int64_t)(seconds * 1e9) : INT64_MAX, limit = INT64_MAX, next_report = begun;
    next_report += report > 0 ? (int64_t)(report * 1e9) : INT64_MAX / 2;
    double gap = rate > 0 ? 1e9 / rate : 0;
    for (;;) {
        int64_t time = now(), wake = time + SECOND / 10;
        if (stopped && limit == INT64_MAX) end = time;
        bool over = time >= end;
        if (over && limit == INT64_MAX) limit = time + PATIENCE;
        if (rate > 0) {
            int64_t last = over ? end : time;
            uint64_t total = (uint64_t)((double)(last - begun) / gap);
            if (total > due_count) due_count = total;
            while (made < due_count && ready_count > 0)
                begin(next_ready(), begun + (int64_t)((double)made * gap));
            if (!over && made == due_count) wake = begun + (int64_t)((double)(due_count + 1) * gap) + 1;
        } else {
            while (!over && ready_count > 0) begin(next_ready(), 0);
        }
        if (closed > 0 && (!over || (rate > 0 && made < due_count))) {
            bool any = false;
            for (int index = 0; index < connection_count; index++) {
                if (connections[index].state != CLOSED || connections[index].closed_until == INT64_MAX) continue;
                any = true;
                if (connections[index].closed_until > time) continue;
                closed--;
                open_connection(&connections[index]);
            }
            if (any && wake > time + SECOND / 500) wake = time + SECOND / 500;
        }
        if (report > 0 && time >= next_report) {
            print_interval((double)(time - begun) / 1e9);
            next_report += (int64_t)(report * 1e9);
        }
        bool alone = !again && closed == connection_count;
        if ((over && !waiting && (rate <= 0 || made >= due_count)) || time >= limit || alone) break;
        int64_t pause = wake > time ? wake - time : 0;
        struct timespec timeout = {.tv_sec = pause / SECOND, .tv_nsec = pause % SECOND};
        int found = epoll_pwait2(poller, events, 256, &timeout, NULL);
        for (int index = 0; index < found; index++) handle(events[index].data.ptr, events[index].events);
    }
    print_end((double)((now() < end ? now() : end) - begun) / 1e9);
    return 0;
}
