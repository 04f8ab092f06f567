// prefork.cpp -- metrics of a prefork program: the parent makes them, its workers count, and one
// scrape has the sum.
//
//   prefork [PATH [WORKERS [TASKS]]]
//
// Reads, hashes and compresses the files under PATH (/usr/share), again and again until SIGINT or
// SIGTERM, in WORKERS processes (2). Each is replaced after TASKS files (100), or when it dies, and
// its counts stay. They are in $METRICS_SEGMENT, else in the user's default segment, which
// metrics-aggregator serves.
//
// The code about metrics is in Families, FileType, run(), and the three counters in run_workers().
// None of it handles fork(), or the end or death of a worker.
#include <libdeflate.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>
#include <xxhash.h>

#include <cerrno>
#include <charconv>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <fstream>
#include <map>
#include <metrics/metrics.hpp>
#include <set>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

namespace {

namespace fs = std::filesystem;

struct Families {
  metrics::Family<metrics::Counter> files{"prefork_files_total", "Files done.", {"type"}};
  metrics::Family<metrics::Counter> unreadable{
      "prefork_unreadable_files_total", "Files done that could not be read to the end.", {"type"}};
  metrics::Family<metrics::Counter> compressed{
      "prefork_compressed_bytes_total", "Bytes that were left after compression.", {"type"}};
  metrics::Family<metrics::Gauge> running{"prefork_running_tasks",
                                          "Files that living workers are at.",
                                          {"type"},
                                          {.mode = metrics::Mode::kLiveSum}};
  metrics::Family<metrics::StateSet> activity{
      "prefork_activity",
      "How many living workers do what.",
      {},
      {.states = {"reporting", "reading", "compressing"}, .mode = metrics::Mode::kLiveSum}};
  metrics::Family<metrics::Histogram> sizes{"prefork_file_size_bytes",
                                            "Sizes of the files read.",
                                            {"type"},
                                            {.bounds = metrics::Bounds::exponential(256, 4, 9)}};
  metrics::Family<metrics::Histogram> seconds{"prefork_task_seconds",
                                              "Time taken by a file.",
                                              {"type"},
                                              {.bounds = metrics::Bounds::exponential(0.0001, 4, 9),
                                               .native = metrics::Native{},
                                               .exemplars = true}};
  metrics::Family<metrics::Counter> started{"prefork_workers_started_total", "Workers forked."};
  metrics::Family<metrics::Counter> ended{
      "prefork_workers_ended_total", "Workers gone, by how: exit or signal.", {"how"}};
};

// What a worker does: the states of Families::activity, in their order.
enum Activity { kReporting, kReading, kCompressing };

// The handles of one type of file, looked up once and kept.
struct FileType {
  FileType(const Families& families, const std::string& type)
      : name(type),
        files(families.files.labels(type)),
        unreadable(families.unreadable.labels(type)),
        compressed(families.compressed.labels(type)),
        running(families.running.labels(type)),
        size(families.sizes.labels(type)),
        seconds(families.seconds.labels(type)) {}

  std::string name;
  metrics::Counter files, unreadable, compressed;
  metrics::Gauge running;
  metrics::Histogram size, seconds;
};

struct Task {
  fs::path path;
  FileType* type;
};

// What a worker reports about a task. It is so small that a pipe takes it whole or, from a worker
// that is killed meanwhile, not at all.
struct Result {
  std::uint64_t read_bytes, compressed_bytes, hash;
  bool readable;
};

// Returns the label's value. There are only a few, whatever the files are called, since each one
// makes a series that stays.
std::string type_of(const fs::path& path) {
  static const std::set<std::string> known = {".css", ".gz",  ".h",  ".html", ".js",  ".json",
                                              ".mo",  ".png", ".py", ".svg",  ".txt", ".xml"};
  const std::string ending = path.extension();
  return known.contains(ending) ? ending.substr(1) : "other";
}

std::vector<Task> find_tasks(const fs::path& path, const Families& families,
                             std::map<std::string, FileType>& types) {
  std::vector<Task> tasks;
  const auto options = fs::directory_options::skip_permission_denied;
  for (const auto& entry : fs::recursive_directory_iterator(path, options)) {
    std::error_code unknown;
    if (!entry.is_regular_file(unknown)) continue;
    const std::string type = type_of(entry.path());
    tasks.push_back({entry.path(), &types.try_emplace(type, families, type).first->second});
  }
  return tasks;
}

Result compress(const fs::path& path, const metrics::StateSet& activity) {
  static std::vector<char> data(1 << 20), packed(data.size());
  static libdeflate_compressor* const compressor = libdeflate_alloc_compressor(6);
  static XXH3_state_t* const hash = XXH3_createState();
  XXH3_64bits_reset(hash);
  Result result{};
  std::ifstream file(path, std::ios::binary);
  while (file) {
    activity.set(kReading);
    file.read(data.data(), static_cast<std::streamsize>(data.size()));
    const auto size = static_cast<std::size_t>(file.gcount());
    activity.set(kCompressing);
    const std::size_t left =
        libdeflate_deflate_compress(compressor, data.data(), size, packed.data(), packed.size());
    XXH3_64bits_update(hash, data.data(), size);
    result.read_bytes += size;
    result.compressed_bytes += left != 0 ? left : size;  // 0: the chunk would become larger
  }
  result.hash = XXH3_64bits_digest(hash);
  result.readable = file.eof();
  return result;
}

// Does one task. When it returns, the task has been counted completely.
Result run(const Task& task, const metrics::StateSet& activity) {
  FileType& type = *task.type;
  const metrics::InProgress running = type.running.track_inprogress();
  metrics::Timer timer = type.seconds.time();
  const Result result = compress(task.path, activity);
  activity.set(kReporting);
  type.files.inc();
  if (result.readable) {
    type.compressed.inc(result.compressed_bytes);
    type.size.observe(static_cast<double>(result.read_bytes));
  } else {
    type.unreadable.inc();
  }
  timer.stop({{"file", task.path.filename().native()}});
  return result;
}

volatile std::sig_atomic_t stop = 0;

struct Worker {
  pid_t pid;
  int results;  // the reading end of a pipe
  std::size_t task, end;
};

Worker start_worker(const std::vector<Task>& tasks, std::size_t first, std::size_t end,
                    const metrics::StateSet& activity, const std::vector<Worker>& siblings) {
  int results[2];
  if (::pipe(results) != 0) throw std::system_error(errno, std::generic_category(), "pipe");
  const pid_t pid = ::fork();
  if (pid < 0) throw std::system_error(errno, std::generic_category(), "fork");
  if (pid == 0) {
    ::close(results[0]);
    for (const Worker& sibling : siblings) ::close(sibling.results);
    for (std::size_t i = first; i < end && stop == 0; ++i) {
      const Result result = run(tasks[i % tasks.size()], activity);
      if (::write(results[1], &result, sizeof result) != sizeof result) break;
    }
    ::_exit(0);
  }
  ::close(results[1]);
  return {pid, results[0], first, end};
}

// Takes the worker's next result and prints it. Returns false if the worker has ended and there are
// no more.
bool take_result(Worker& worker, const std::vector<Task>& tasks) {
  Result result;
  if (::read(worker.results, &result, sizeof result) != sizeof result) return false;
  const FileType& type = *tasks[worker.task++ % tasks.size()].type;
  std::printf("done\t%d\t%s\t%s\t%ju\t%ju\t%016jx\n", worker.pid, type.name.c_str(),
              result.readable ? "ok" : "unreadable", std::uintmax_t{result.read_bytes},
              std::uintmax_t{result.compressed_bytes}, std::uintmax_t{result.hash});
  return true;
}

// Prints which task a killed worker left undone, if any.
void print_killed(const Worker& worker, const std::vector<Task>& tasks) {
  const Task& task = tasks[worker.task % tasks.size()];
  std::error_code gone;
  std::printf("killed\t%d\t%s\t%ju\n", worker.pid,
              worker.task < worker.end ? task.type->name.c_str() : "",
              std::uintmax_t{fs::file_size(task.path, gone)});
}

void run_workers(const std::vector<Task>& tasks, std::size_t count, std::size_t tasks_each,
                 const Families& families) {
  metrics::Counter started = families.started.labels();
  metrics::Counter exited = families.ended.labels("exit");
  metrics::Counter killed = families.ended.labels("signal");
  const metrics::StateSet activity = families.activity.labels();
  std::vector<Worker> workers;
  std::size_t next_task = 0;
  bool told = false;
  for (;;) {
    while (stop == 0 && workers.size() < count) {
      workers.push_back(start_worker(tasks, next_task, next_task + tasks_each, activity, workers));
      next_task += tasks_each;
      started.inc();
      std::printf("started\t%d\n", workers.back().pid);
    }
    if (workers.empty()) return;
    if (stop != 0 && !std::exchange(told, true)) {
      for (const Worker& worker : workers) ::kill(worker.pid, SIGTERM);
    }
    std::fflush(stdout);
    std::vector<pollfd> polled;
    for (const Worker& worker : workers) polled.push_back({worker.results, POLLIN, 0});
    // Returns soon after a signal, even one that came a moment earlier, since there are workers and
    // they report.
    if (::poll(polled.data(), polled.size(), -1) < 0) continue;
    for (std::size_t i = workers.size(); i-- > 0;) {
      if (polled[i].revents == 0 || take_result(workers[i], tasks)) continue;
      int status = 0;
      ::waitpid(workers[i].pid, &status, 0);
      ::close(workers[i].results);
      if (WIFSIGNALED(status)) {
        killed.inc();
        print_killed(workers[i], tasks);
      } else {
        exited.inc();
        std::printf("exited\t%d\n", workers[i].pid);
      }
      workers.erase(workers.begin() + static_cast<std::ptrdiff_t>(i));
    }
  }
}

std::size_t whole_number(const char* name, std::string_view text) {
  std::size_t number = 0;
  const char* const end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, number);
  if (error == std::errc() && rest == end && number > 0) return number;
  throw std::invalid_argument(std::string(name) + " must be a whole number above 0, not " +
                              std::string(text));
}

}  // namespace

int main(int argc, char** argv) try {
  for (int i = 1; i < argc; ++i) {
    const std::string_view argument = argv[i];
    const bool asks = argument == "--help" || argument == "-h";
    if (!asks && !argument.starts_with('-') && argc <= 4) continue;
    std::fprintf(asks ? stdout : stderr,
                 "prefork [PATH [WORKERS [TASKS]]] -- hashes and compresses the files under PATH "
                 "(/usr/share)\nagain and again, in WORKERS processes (2), each of which ends "
                 "after TASKS files (100)\n");
    return asks ? 0 : 2;
  }
  const char* const path = argc > 1 ? argv[1] : "/usr/share";
  const std::size_t workers = argc > 2 ? whole_number("WORKERS", argv[2]) : 2;
  const std::size_t tasks_each = argc > 3 ? whole_number("TASKS", argv[3]) : 100;

  const Families families;
  std::map<std::string, FileType> types;
  const std::vector<Task> tasks = find_tasks(path, families, types);
  if (tasks.empty()) throw std::runtime_error(std::string("no files under ") + path);

  struct sigaction action {};
  action.sa_handler = [](int) { stop = 1; };
  action.sa_flags = SA_RESTART;  // poll() returns nevertheless
  ::sigaction(SIGINT, &action, nullptr);
  ::sigaction(SIGTERM, &action, nullptr);
  run_workers(tasks, workers, tasks_each, families);
  return 0;
} catch (const std::exception& e) {
  std::fprintf(stderr, "prefork: %s\n", e.what());
  return 1;
}
