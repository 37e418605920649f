//! `sampan linux` in a terminal: a pseudo-terminal of this machine, whose other end is here.

use std::io::{Read, Write};
use std::process::ExitStatus;
use std::time::{Duration, Instant};

use super::ENVIRONMENT;
use super::debian::Debian;

/// A run in a terminal of 24 rows and 80 columns.
struct Screen {
    pty: pty_process::blocking::Pty,
    child: std::process::Child,
    seen: std::sync::mpsc::Receiver<Vec<u8>>,
    text: String,
}

impl Screen {
    fn open(debian: Debian, program: &[&str]) -> Screen {
        let (pty, pts) = pty_process::blocking::open().expect("a pseudo-terminal");
        pty.resize(pty_process::Size::new(24, 80)).expect("it has a size");
        let mut command =
            pty_process::blocking::Command::new(env!("CARGO_BIN_EXE_sampan")).arg("linux");
        for (name, value) in ENVIRONMENT {
            command = command.arg("--env").arg(format!("{name}={value}"));
        }
        let command = command.args(["--env", "PS1=$ ", "--env", "TERM=xterm"]);
        let child =
            command.arg(debian.root()).arg("--").args(program).spawn(pts).expect("it starts");
        let mut reader = rustix::io::dup(&pty).map(std::fs::File::from).expect("a copy");
        let (sender, seen) = std::sync::mpsc::channel();
        std::thread::spawn(move || {
            let mut buf = [0; 4096];
            while let Ok(count) = reader.read(&mut buf) {
                if count == 0 || sender.send(buf[..count].to_vec()).is_err() {
                    break;
                }
            }
        });
        Screen { pty, child, seen, text: String::new() }
    }

    fn bash() -> Screen {
        Screen::bash_of(Debian::Here)
    }

    fn bash_of(debian: Debian) -> Screen {
        let mut screen = Screen::open(debian, &["bash", "--norc", "--noprofile", "-i"]);
        screen.wait_for("$ ");
        screen
    }

    fn press(&mut self, keys: &str) {
        self.pty.write_all(keys.as_bytes()).expect("keys are taken");
    }

    /// Waits until this was shown since the last call; returns all up to there.
    #[track_caller]
    fn wait_for(&mut self, wanted: &str) -> String {
        let end = Instant::now() + Duration::from_secs(60);
        loop {
            if let Some(at) = self.text.find(wanted) {
                let rest = self.text.split_off(at + wanted.len());
                return std::mem::replace(&mut self.text, rest);
            }
            match self.seen.recv_timeout(end.saturating_duration_since(Instant::now())) {
                Ok(bytes) => self.text.push_str(&String::from_utf8_lossy(&bytes)),
                Err(_) => panic!("{wanted:?} was not shown, but {:?}", self.text),
            }
        }
    }

    #[track_caller]
    fn command(&mut self, line: &str, shown: &str) {
        self.press(&format!("{line}\r"));
        self.wait_for("\r\n");
        self.wait_for(shown);
        self.wait_for("$ ");
    }

    fn end(mut self) -> ExitStatus {
        self.child.wait().expect("it ends")
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn bash_has_job_control() {
    let mut screen = Screen::bash();
    screen.command("tty", "/dev/console\r\n");
    screen.command("stty size", "24 80\r\n");
    screen.press("sleep 100\r");
    screen.wait_for("sleep 100\r\n");
    std::thread::sleep(Duration::from_millis(300));
    screen.press("\x1a");
    screen.wait_for("Stopped");
    screen.wait_for("$ ");
    screen.command("jobs", "[1]+  Stopped                 sleep 100\r\n");
    screen.press("fg\r");
    screen.wait_for("sleep 100\r\n");
    std::thread::sleep(Duration::from_millis(300));
    screen.press("\x03");
    screen.wait_for("^C");
    screen.wait_for("$ ");
    screen.command("echo $?", "130\r\n");
    screen.press("cat\r");
    screen.wait_for("cat\r\n");
    std::thread::sleep(Duration::from_millis(300));
    screen.press("abd\x7fc\r");
    screen.wait_for("abd\x08 \x08c\r\nabc\r\n");
    screen.press("\x04");
    screen.wait_for("$ ");
    screen.press("exit 7\r");
    assert_eq!(screen.end_code(), Some(7));
}

impl Screen {
    fn end_code(mut self) -> Option<i32> {
        self.child.wait().expect("it ends").code()
    }
}

#[test]
fn the_terminal_is_put_back() {
    use rustix::termios::{LocalModes, tcgetattr};
    let mut screen = Screen::open(Debian::Here, &["sleep", "100"]);
    let end = Instant::now() + Duration::from_secs(30);
    while tcgetattr(&screen.pty).expect("it is a terminal").local_modes.contains(LocalModes::ECHO) {
        assert!(Instant::now() < end, "never raw");
        std::thread::sleep(Duration::from_millis(20));
    }
    let pid = rustix::process::Pid::from_child(&screen.child);
    rustix::process::kill_process(pid, rustix::process::Signal::TERM).expect("it is there");
    let status = screen.child.wait().expect("it ends");
    assert_eq!(std::os::unix::process::ExitStatusExt::signal(&status), Some(15));
    let modes = tcgetattr(&screen.pty).expect("it is a terminal").local_modes;
    assert!(modes.contains(LocalModes::ECHO | LocalModes::ICANON | LocalModes::ISIG));
}

#[test]
fn the_window_changes() {
    let mut screen = Screen::bash();
    screen.press("trap 'stty size' WINCH\r");
    screen.wait_for("$ ");
    screen.pty.resize(pty_process::Size::new(50, 132)).expect("it has a size");
    // The handler runs when readline is done with a line.
    std::thread::sleep(Duration::from_millis(300));
    screen.press("\r");
    screen.wait_for("50 132");
    screen.press("exit\r");
    assert_eq!(screen.end().code(), Some(0));
}

#[test]
fn a_pair_of_the_guests_own() {
    // script(1) makes a pseudo-terminal, and its child's session has it.
    let mut screen = Screen::bash();
    screen.command("script -qc 'tty; echo in; exit 3' /dev/null; echo $?", "/dev/pts/0\r\n");
    screen.press("exit\r");
    assert_eq!(screen.end().code(), Some(0));
}

#[test]
fn less_pages() {
    let mut screen = Screen::bash();
    screen.press("seq 100 | less\r");
    screen.wait_for("23\r\n");
    screen.press(" ");
    screen.wait_for("46\r\n");
    screen.press("q");
    screen.wait_for("$ ");
    screen.command("echo over", "over\r\n");
    screen.press("exit\r");
    assert_eq!(screen.end().code(), Some(0));
}

#[test]
fn vim_edits() {
    for debian in Debian::all() {
        let mut screen = Screen::bash_of(debian);
        screen.press("vim -u NONE -i NONE /tmp/sampan-vim-text\r");
        screen.wait_for("[New");
        screen.press("ihello\rthere\x1bggOabove\x1b:wq\r");
        screen.wait_for("written");
        screen.wait_for("$ ");
        screen.command("paste -sd, /tmp/sampan-vim-text", "above,hello,there\r\n");
        screen.press("exit\r");
        assert_eq!(screen.end().code(), Some(0));
    }
}

#[test]
fn nano_edits() {
    for debian in Debian::all() {
        let mut screen = Screen::bash_of(debian);
        screen.press("nano -I /tmp/sampan-nano-text\r");
        screen.wait_for("New File");
        screen.press("hello\rthere\x1b[A\x1b[Hoh, \x0f");
        screen.wait_for("to Write");
        screen.press("\r");
        screen.wait_for("Wrote 2 lines");
        screen.press("\x18");
        screen.wait_for("$ ");
        screen.command("paste -sd, /tmp/sampan-nano-text", "oh, hello,there\r\n");
        screen.press("exit\r");
        assert_eq!(screen.end().code(), Some(0));
    }
}

#[test]
fn top_shows_processes() {
    let mut screen = Screen::bash();
    screen.press("top -d 0.3\r");
    screen.wait_for("PID USER");
    screen.wait_for("bash");
    // And once more, which takes its timeout.
    screen.wait_for("load average");
    screen.press("q");
    screen.wait_for("$ ");
    screen.press("exit\r");
    assert_eq!(screen.end().code(), Some(0));
}

#[test]
fn tmux_has_windows() {
    let mut screen = Screen::bash();
    screen.press("tmux -f /dev/null new -s s 'bash --norc --noprofile'\r");
    screen.wait_for("[s] 0:");
    screen.press("tty\r");
    screen.wait_for("/dev/pts/");
    screen.press("\x02%");
    screen.wait_for("│");
    screen.press("tmux ls\r");
    screen.wait_for("1 windows");
    screen.press("tmux kill-server\r");
    screen.wait_for("[server exited]");
    screen.wait_for("$ ");
    screen.press("exit 0\r");
    assert_eq!(screen.end().code(), Some(0));
}
