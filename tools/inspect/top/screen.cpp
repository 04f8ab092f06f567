#include "tools/inspect/top/screen.h"

#include <langinfo.h>
#include <ncurses.h>
#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <clocale>
#include <cstdlib>
#include <cstring>
#include <stdexcept>

#include "libmetrics/format/file.h"

namespace metrics::inspect::top {
namespace {

using Clock = std::chrono::steady_clock;

// Signals that end a program, as something to read: then the terminal is restored first.
class Endings {
 public:
  Endings() {
    sigset_t set;
    ::sigemptyset(&set);
    for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGQUIT}) ::sigaddset(&set, signal);
    ::pthread_sigmask(SIG_BLOCK, &set, &before_);
    fd_ = format::Descriptor(::signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK));
  }
  Endings(const Endings&) = delete;
  Endings& operator=(const Endings&) = delete;
  ~Endings() { ::pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
  int fd() const { return fd_.get(); }
  // Returns the signal that has come; 0 if none has.
  int signal() const {
    signalfd_siginfo info{};
    const ssize_t got = ::read(fd_.get(), &info, sizeof info);
    return got == static_cast<ssize_t>(sizeof info) ? static_cast<int>(info.ssi_signo) : 0;
  }

 private:
  sigset_t before_{};
  format::Descriptor fd_;
};

// Colours that people who see red and green alike can tell apart; and nothing is said by a colour
// alone.
class Terminal {
 public:
  Terminal() {
    if (::newterm(nullptr, stdout, stdin) == nullptr) {
      throw std::runtime_error(
          "top can't draw on this terminal: $TERM is unknown; pipe its output "
          "for plain text");
    }
    ::cbreak();
    ::noecho();
    ::nonl();
    ::keypad(::stdscr, TRUE);
    ::set_escdelay(25);
    ::nodelay(::stdscr, TRUE);
    ::curs_set(0);
    const char* plain = std::getenv("NO_COLOR");
    if (::has_colors() && (plain == nullptr || *plain == '\0')) colour();
  }
  Terminal(const Terminal&) = delete;
  Terminal& operator=(const Terminal&) = delete;
  ~Terminal() { ::endwin(); }

  void draw(const Frame& frame) const {
    ::erase();
    for (std::size_t y = 0; y < frame.size(); ++y) {
      ::move(static_cast<int>(y), 0);
      for (const Span& span : frame[y]) {
        const auto attributes = attributes_of(span.style);
        ::attron(attributes);
        ::addstr(span.text.c_str());
        ::attroff(attributes);
      }
    }
    ::refresh();
  }

 private:
  enum Pair : short { kBlue = 1, kOrange };
  void colour() {
    ::start_color();
    ::use_default_colors();
    const bool is_rich = ::COLORS >= 256;
    ::init_pair(kBlue, is_rich ? 75 : COLOR_CYAN, -1);
    ::init_pair(kOrange, is_rich ? 208 : COLOR_YELLOW, -1);
    has_colours_ = true;
  }
  int attributes_of(Style style) const {
    const auto pair = [this](Pair p) { return has_colours_ ? static_cast<int>(COLOR_PAIR(p)) : 0; };
    switch (style) {
      case Style::kPlain:
        return A_NORMAL;
      case Style::kBold:
        return static_cast<int>(A_BOLD);
      case Style::kHeading:
        return static_cast<int>(A_REVERSE | A_BOLD);
      case Style::kLive:
        return pair(kBlue);
      case Style::kDead:
        return pair(kOrange);
      case Style::kAlert:
        return pair(kOrange) | static_cast<int>(A_BOLD);
      case Style::kDim:
        return static_cast<int>(A_DIM);
      case Style::kChosen:
        return static_cast<int>(A_REVERSE);
    }
    return A_NORMAL;
  }
  bool has_colours_ = false;
};

int key_of(int curses_key) {
  switch (curses_key) {
    case KEY_UP:
      return kUp;
    case KEY_DOWN:
      return kDown;
    case KEY_PPAGE:
      return kPageUp;
    case KEY_NPAGE:
      return kPageDown;
    case KEY_HOME:
      return kHome;
    case KEY_END:
      return kEnd;
    case KEY_ENTER:
    case '\r':
    case '\n':
      return kEnter;
    case 27:
      return kEscape;
    case KEY_BACKSPACE:
    case 127:
    case '\b':
      return kErase;
    case KEY_F(1):
      return '?';
    case KEY_F(3):
    case KEY_F(4):
      return '/';
    case KEY_F(6):
      return 's';
    case KEY_F(10):
      return 'q';
    default:
      return curses_key;
  }
}

// Names hold UTF-8 whatever the user's language is; a terminal of another encoding is shown '?'.
void use_locale() {
  std::setlocale(LC_CTYPE, "");
  const bool is_ascii = std::strcmp(::nl_langinfo(CODESET), "ANSI_X3.4-1968") == 0;
  if (is_ascii && std::getenv("LC_ALL") == nullptr) std::setlocale(LC_CTYPE, "C.UTF-8");
}

class Loop {
 public:
  Loop(Source& source, Choices choices, unsigned count)
      : source_(source), choices_(std::move(choices)), left_(count), is_endless_(count == 0) {}

  // Returns the signal that has ended it; 0 if something else has.
  int run() {
    const Endings endings;
    const Terminal terminal;
    due_ = Clock::now();
    for (;;) {
      if (!take_due()) return 0;
      terminal.draw(frame_of(history_, choices_, columns(), rows()));
      pollfd waits[] = {{STDIN_FILENO, POLLIN, 0}, {endings.fd(), POLLIN, 0}};
      // A SIGWINCH interrupts it, and getch() then returns KEY_RESIZE.
      ::poll(waits, 2, timeout_ms());
      if (const int signal = endings.signal(); signal != 0) return signal;
      bool got_key = false;
      for (int key = ::getch(); key != ERR; key = ::getch()) {
        got_key = true;
        if (key != KEY_RESIZE && !press_key(key_of(key))) return 0;
      }
      const bool has_input = (waits[0].revents & (POLLIN | POLLHUP | POLLERR)) != 0;
      if (has_input && !got_key) return 0;  // the terminal is gone
    }
  }

 private:
  static std::size_t columns() { return static_cast<std::size_t>(std::max(COLS, 1)); }
  static std::size_t rows() { return static_cast<std::size_t>(std::max(LINES, 1)); }

  // Reads the segment if it is time to. Returns false after the last interval.
  bool take_due() {
    const auto now = Clock::now();
    if (choices_.is_paused || now < due_) return true;
    history_.add(source_.look());
    // The first rates are there soon.
    const double next = history_.has_rates() ? choices_.interval : std::min(choices_.interval, 0.3);
    due_ = now + std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(next));
    if (is_endless_ || !history_.has_rates()) return true;
    return left_-- > 0;
  }
  int timeout_ms() const {
    if (choices_.is_paused) return -1;
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(due_ - Clock::now()).count();
    return static_cast<int>(std::max<long>(left, 0));
  }
  bool press_key(int key) {
    switch (press(key, choices_, rows() > 5 ? rows() - 5 : 1)) {
      case Effect::kQuit:
        return false;
      case Effect::kRestart:
        history_.restart();
        break;
      case Effect::kReadNow:
        due_ = Clock::now();
        break;
      case Effect::kNothing:
        break;
    }
    return true;
  }

  Source& source_;
  History history_;
  Choices choices_;
  unsigned left_;
  const bool is_endless_;
  Clock::time_point due_;
};

}  // namespace

void run_on_terminal(Source& source, Choices choices, unsigned count) {
  use_locale();
  int ended_by = 0;
  {
    Loop loop(source, std::move(choices), count);
    ended_by = loop.run();
  }
  // As without a handler, for a shell that asks what has ended the program.
  // ncurses has put a handler of its own in place, which would exit with 1.
  if (ended_by != 0) {
    ::signal(ended_by, SIG_DFL);
    ::raise(ended_by);
  }
}

}  // namespace metrics::inspect::top
