//! Programs of a Debian, this machine's and one for i386.

use super::debian::Debian;

/// Makes tests of each function below, one a Debian.
macro_rules! of_both {
    ($($name:ident)*) => { of_both!(@each Here amd64 $($name)*); of_both!(@each I386 i386 $($name)*); };
    (@each $debian:ident $module:ident $($name:ident)*) => {
        mod $module {
            use crate::debian::Debian;
            $(#[test] fn $name() {
                if Debian::$debian.is_compared() {
                    super::$name(Debian::$debian);
                }
            })*
        }
    };
}

of_both! {
    archives bash compiler compressors coreutils cplusplus git keys_of_ssh lua_and_ruby man node openssl perl places python sqlite stressors text_tools threads
}

fn bash(on: Debian) {
    on.same_script(
        "for i in 1 2 3; do echo $i; done | while read a; do echo \"<$a>\"; done; exit 3",
    );
    on.same_script(
        "cat <<END; f() { local x=$1; echo $((x * 7)); }; f 6; echo ${#f} ${PATH%%:*}\nhere $((1 + 1))\nEND",
    );
    on.same_script(
        "trap 'echo int' INT; trap 'echo bye' EXIT; kill -INT $$; echo on; (exit 5); echo $?",
    );
    on.same_script(
        "sleep 0.1 & wait $!; echo $?; set -o pipefail; false | true; echo $?; kill -9 $$",
    );
    on.same_script(
        "declare -A a=([x]=1 [y]=2); for k in x y; do printf '%s=%d ' $k ${a[$k]}; done; [[ abc =~ b(.) ]] && echo ${BASH_REMATCH[1]}",
    );
    on.same_script(
        "diff <(printf '1\\n2\\n') <(printf '1\\n3\\n'); echo $?; mapfile -t l < /etc/passwd; echo ${l[0]}",
    );
    on.same_script(
        "set -m; sleep 5 & kill -STOP %1; sleep 0.05; kill -CONT %1; kill %1; wait %1; echo $?",
    );
}

fn coreutils(on: Debian) {
    on.same_script(
        "seq 1 20000 | sort -rn | head -n 3; seq 1 1000 | sha256sum; echo abc | md5sum; printf '%s\\n' b a c | sort | paste -sd,",
    );
    on.same_script(
        "mkdir -p d/e; echo x > d/e/f; cp -r d g; mv g/e g/h; ls -R; find . -type f | sort; du -a --apparent-size -b d/e/f; rm -rf d g; ls",
    );
    on.same_script(
        "dd if=/dev/zero bs=1k count=33 2>/dev/null | wc -c; truncate -s 5 t; stat -c '%s %F' t; od -c t; cut -d: -f1 /etc/passwd | head -n 2; tr a-z A-Z <<< hello; basename /a/b.c .c",
    );
    on.same_script(
        "date -d @86400 '+%F %T'; expr 6 '*' 7; factor 123456789; numfmt --to=iec 1048576; id -u; nproc >/dev/null; env | grep ^TZ; test -d /etc && echo yes",
    );
    on.same_script(
        "ln -s a b; readlink b; touch -d '2001-02-03 04:05:06' a; stat -c '%y %a %h' a; chmod 640 a; ls -l a | cut -c1-10; tail -c 3 <<< abcdef; comm -12 <(seq 3) <(seq 2 5); split -l 2 <(seq 5) x; cat xa?",
    );
}

fn text_tools(on: Debian) {
    on.same_script(
        "seq 30 | grep -E '^(1|2)[05]$'; grep -rl root /etc/passwd; sed -n '1,3{s/o/0/g;p}' /etc/passwd; echo hello | sed 's/\\(l\\+\\)/[\\1]/'",
    );
    on.same_script(
        "awk -F: '{ n[$7]++ } END { for (s in n) print s, n[s] }' /etc/passwd | sort; awk 'BEGIN { printf \"%.3f %d %s\\n\", atan2(0, -1), 2^31, substr(\"hello\", 2, 3) }'",
    );
    on.same_script(
        "find /etc -maxdepth 1 -name 'p*' -type f | sort; printf 'a b\\nc\\n' | xargs -n1 echo; diff -u <(seq 3) <(seq 2 4) | tail -n +3",
    );
}

fn perl(on: Debian) {
    let script = r#"
        use strict; use POSIX qw(floor); use Digest::MD5 qw(md5_hex); use List::Util qw(sum);
        my %h = map { $_ => $_ ** 2 } 1 .. 10;
        print join(",", map { "$_=$h{$_}" } sort { $a <=> $b } keys %h), "\n";
        print sum(1 .. 100), " ", floor(-2.5), " ", md5_hex("x"), "\n";
        my $text = "The quick brown fox"; (my $t = $text) =~ s/(\w+)/\u\L$1/g; print "$t\n";
        printf "%.17g %e %s\n", 0.1, 12345.678, 1e21; my $pid = fork; if (!$pid) { exit 7 }
        waitpid $pid, 0; print $? >> 8, "\n"; print `echo sub`; die "end\n";
    "#;
    on.same(&[("t.pl", script)], &["perl", "t.pl"], "");
}

fn python(on: Debian) {
    let script = r#"
import sys, os, json, re, struct, math, subprocess, threading, tempfile, hashlib, signal, time
print(sum(i * i for i in range(100000)), math.pi, 2 ** 200, 0.1 + 0.2, f"{1e300 * 1e10}")
print(json.dumps({"a": [1, 2.5, None, "é"]}), re.sub(r"(\w)(\w)", r"\2\1", "abcd"))
print(struct.pack("<dI", 1.5, 7).hex(), hashlib.sha256(b"x").hexdigest())
print(subprocess.run(["sh", "-c", "echo out; exit 4"], capture_output=True))
out = []
threads = [threading.Thread(target=lambda n=n: out.append(n * n)) for n in range(8)]
[t.start() for t in threads]; [t.join() for t in threads]; print(sorted(out))
r, w = os.pipe(); pid = os.fork()
if pid == 0: os.write(w, b"child"); os._exit(9)
print(os.read(r, 10), os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
signal.signal(signal.SIGALRM, lambda *a: print("alarm")); signal.setitimer(signal.ITIMER_REAL, 0.02)
time.sleep(0.06)
with tempfile.TemporaryDirectory() as d:
    p = os.path.join(d, "x"); open(p, "w").write("hi\n" * 3); print(os.stat(p).st_size, os.listdir(d))
try: 1 / 0
except ZeroDivisionError as e: print(repr(e))
sys.exit(5)
"#;
    on.same(&[("t.py", script)], &["python3", "t.py"], "");
    on.same(&[], &["python3", "-c", "print(input()[::-1])"], "hello\n");
}

/// Calls that need `/proc` and mounts, which tests of the kernel alone have not.
fn places(on: Debian) {
    let script = r#"
import ctypes, errno, os, signal, struct
libc = ctypes.CDLL(None, use_errno=True)
def call(number, *args):
    result = libc.syscall(number, *args)
    return "done" if result >= 0 else errno.errorcode[ctypes.get_errno()]
for path in ["/etc/passwd", "/dev/null", "/proc/self/exe", "/proc/self/status", "/proc/self/fd/0"]:
    for resolve in [0, 1, 2, 4, 8, 16]:
        how = struct.pack("QQQ", os.O_RDONLY, 0, resolve)
        print(path, resolve, call(437, -100, path.encode(), how, 24))
pid = os.fork()
if pid == 0:
    signal.pause()
fd, path = os.open(f"/proc/{pid}", os.O_RDONLY), os.open(f"/proc/{pid}", os.O_PATH)
for place in [path, os.open("/etc", os.O_RDONLY), os.open(f"/proc/{pid}/fd", os.O_RDONLY), fd]:
    print(call(424, place, signal.SIGTERM, None, 0))
print(os.waitpid(pid, 0)[1], call(424, fd, signal.SIGTERM, None, 0))
"#;
    on.same(&[("t.py", script)], &["python3", "t.py"], "");
}

fn archives(on: Debian) {
    on.same_script(
        "seq 1 5000 > f; for c in gzip bzip2 xz; do $c -k f; $c -dc f.* | cmp - f && echo $c ok; rm f.*; done; tar czf t.tgz f; mkdir o; tar xzf t.tgz -C o; cmp f o/f && tar tzf t.tgz",
    );
}

fn compiler(on: Debian) {
    let source = "#include <stdio.h>\n#include <math.h>\nint main(int c, char **v) { long s = 0; for (int i = 0; i < c * 1000; i++) s += i; printf(\"%ld %.15f\\n\", s, sin(c)); return 42; }\n";
    let make = "all: t\n\t./t a b\nt: t.c\n\tgcc -O2 -o t t.c -lm\n";
    on.same(&[("t.c", source), ("Makefile", make)], &["make"], "");
    // The same for i386, whose dynamic loader is another one.
    let make = "all: t\n\t-./t a b\nt: t.c\n\tgcc -m32 -O2 -o t t.c -lm\n";
    on.same(&[("t.c", source), ("Makefile", make)], &["make"], "");
}

/// Exceptions, templates and virtual functions; headers that are soon read.
fn cplusplus(on: Debian) {
    let source = r#"
#include <cstdio>
#include <pthread.h>
#include <vector>
struct Shape { virtual ~Shape() {} virtual int area() const = 0; };
struct Square : Shape {
    int side;
    explicit Square(int s) : side(s) { if (s < 0) throw s; }
    int area() const override { return side * side; }
};
template <class T> T sum(const std::vector<T> &list) { T all{}; for (auto &one : list) all += one; return all; }
static void *work(void *at) { *static_cast<int *>(at) *= 2; return nullptr; }
int main() {
    std::vector<int> list;
    for (int i = -1; i < 4; i++) {
        try {
            Shape *shape = new Square(i);
            list.push_back(shape->area());
            printf("%d ", dynamic_cast<Square *>(shape) != nullptr);
            delete shape;
        } catch (int bad) { printf("caught %d ", bad); }
    }
    pthread_t thread;
    int n = 21;
    pthread_create(&thread, nullptr, work, &n);
    pthread_join(thread, nullptr);
    printf("%d %d\n", sum(list), n);
}
"#;
    let make = "all: t\n\t./t\nt: t.cc\n\tg++ -O1 -pthread -o t t.cc\n";
    on.same(&[("t.cc", source), ("Makefile", make)], &["make"], "");
}

fn git(on: Debian) {
    on.same_script(
        "export GIT_AUTHOR_DATE=@1000000000+0000 GIT_COMMITTER_DATE=@1000000000+0000 GIT_CONFIG_GLOBAL=/dev/null; git init -q -b main r; cd r; git config user.name n; git config user.email e; seq 100 > f; git add f; git commit -qm one; echo x >> f; git diff --stat; git commit -qam two; git log --format='%H %s'; cd ..; git clone -q r s; git -C s rev-parse HEAD; git -C s fsck 2>/dev/null; git -C s status --short",
    );
}

fn sqlite(on: Debian) {
    on.same_script(
        "sqlite3 t.db 'create table t(a integer primary key, b text); insert into t with recursive c(x) as (select 1 union all select x + 1 from c where x < 2000) select x, hex(x * x) from c; create index i on t(b); select count(*), sum(a), max(b) from t where b > 31; pragma integrity_check'; sqlite3 -json t.db 'select * from t order by b desc limit 2'",
    );
}

fn openssl(on: Debian) {
    on.same_script(
        "for d in md5 sha1 sha256 sha512 blake2b512 sha3-256; do seq 1000 | openssl dgst -$d; done; seq 1000 | openssl enc -aes-256-ctr -K 00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff -iv 00 2>/dev/null | sha256sum; echo hi | openssl enc -chacha20 -pbkdf2 -k x | openssl enc -d -chacha20 -pbkdf2 -k x; openssl genpkey -algorithm ed25519 -out k; openssl pkey -in k -pubout -out p; seq 9 > m; openssl pkeyutl -sign -inkey k -rawin -in m -out s; openssl pkeyutl -verify -pubin -inkey p -rawin -in m -sigfile s",
    );
}

/// A JIT: code that is written while it runs, and threads.
fn node(on: Debian) {
    let script = "let s = 0; for (let i = 0; i < 3e5; i++) s = (s * 31 + i) | 0; \
        console.log(s, [3, 1, 2].sort(), /(\\d+)/.exec('a42')[1], 2n ** 100n); \
        require('fs').writeFileSync('x', 'hi'); \
        setTimeout(() => { console.log(require('fs').readFileSync('x', 'utf8')); \
        process.exit(3) }, 10)";
    on.same(&[("t.js", script)], &["node", "t.js"], "");
}

fn threads(on: Debian) {
    let source = "#include <pthread.h>\n#include <stdio.h>\nstatic pthread_mutex_t m = PTHREAD_MUTEX_INITIALIZER; static long n;\nstatic void *f(void *a) { for (int i = 0; i < 20000; i++) { pthread_mutex_lock(&m); n++; pthread_mutex_unlock(&m); } return a; }\nint main(void) { pthread_t t[4]; long s = 0;\n#pragma omp parallel for reduction(+:s)\nfor (int i = 0; i < 1000; i++) s += i;\nfor (int i = 0; i < 4; i++) pthread_create(t + i, 0, f, 0); for (int i = 0; i < 4; i++) pthread_join(t[i], 0); printf(\"%ld %ld\\n\", n, s); }\n";
    let make = "all: t\n\t./t\nt: t.c\n\tgcc -fopenmp -pthread -O1 -o t t.c\n";
    on.same(&[("t.c", source), ("Makefile", make)], &["make"], "");
}

fn lua_and_ruby(on: Debian) {
    on.same_script(
        "lua5.4 -e 'local t = {} for i = 1, 1000 do t[#t + 1] = i * i end print(#t, t[1000], string.format(\"%.14g\", math.pi)) print(coroutine.wrap(function() coroutine.yield(7) end)()) print(2^53 | 0, 7 // 2, 7.0 // 2, \"10\" + 5) print(pcall(function() return nil + 1 end)) os.exit(3)'",
    );
    on.same_script(
        "ruby -e 'puts (1..1000).map { |x| x * x }.sum; require \"digest\"; puts Digest::SHA256.hexdigest(\"x\"); p [3, 1, 2].sort, { a: 1 }, 2**100, 0.1 + 0.2; p Thread.new { Thread.pass; 5 }.value; p Process.wait2(fork { exit 3 })[1].exitstatus; puts `echo sub`; raise \"end\"'",
    );
}

fn compressors(on: Debian) {
    on.same_script(
        "seq 1 20000 > a; for z in gzip:gz xz:xz zstd:zst bzip2:bz2; do ${z%:*} -qk a; mv a b; ${z%:*} -qd a.${z#*:}; cmp a b && echo $z; rm -f b; done; xz -c a | sha256sum; gzip -nc a | sha256sum; mkdir d; cp a d; for f in z J j; do tar c${f}f d.tar d; tar xf d.tar -O | sha256sum; done; tar --zstd -cf d.tar d; tar tf d.tar",
    );
}

fn keys_of_ssh(on: Debian) {
    on.same_script(
        "for t in ed25519 ecdsa; do ssh-keygen -q -t $t -N '' -f $t -C me; ssh-keygen -y -f $t | cut -d' ' -f1; ssh-keygen -lf $t.pub | cut -d' ' -f1,3-; echo hi | ssh-keygen -q -Y sign -f $t -n file > $t.sig; ssh-keygen -Y check-novalidate -n file -s $t.sig <<< hi | cut -d' ' -f1-3; done",
    );
}

fn stressors(on: Debian) {
    // The number of operations counts for the stressor before it.
    on.same_script(
        "for s in 'cpu 1 --cpu-method fft' 'vm 1 --vm-bytes 4M' 'sem-sysv 1' 'shm-sysv 1 --shm-sysv-bytes 1M' 'msg 1' 'inotify 1' 'fork 1' 'mmap 1 --mmap-bytes 1M' 'poll 1' 'futex 1'; do stress-ng --quiet -t 30 --$s --${s%% *}-ops 5; echo ${s%% *} $?; done",
    );
}

fn man(on: Debian) {
    on.same_script(
        "man -P cat true | head -n 12; man -w ls; apropos -s 1 nothing-of-this-name; echo $?",
    );
}
