//! The engines: for each, the command that runs or only loads a module.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use crate::{kernels::Kernel, options::Options};

/// One column of the table.
pub struct Engine {
    /// As `--engines` and the table call it.
    pub name: &'static str,
    /// Whether loading translates to machine code, which takes long.
    pub compiles: bool,
    kind: Kind,
}

enum Kind {
    /// The program built for this machine.
    Native,
    /// Our command line, in a mode.
    Sampan { mode: &'static str },
    /// A runner in `peers/`.
    Peer { program: PathBuf, compiler: Option<&'static str> },
    /// node, with the script that runs a module.
    V8 { node: PathBuf, script: PathBuf },
}

impl Engine {
    /// Those that were asked for and exist.
    pub fn all(options: &Options) -> Vec<Engine> {
        let peer = |name: &str, compiler| {
            let program =
                options.peers.join(format!("peer-{name}{}", std::env::consts::EXE_SUFFIX));
            Kind::Peer { program, compiler }
        };
        let table = [
            ("native", Kind::Native),
            ("classic", Kind::Sampan { mode: "classic" }),
            ("fast", Kind::Sampan { mode: "fast" }),
            ("jit", Kind::Sampan { mode: "jit" }),
            ("auto", Kind::Sampan { mode: "auto" }),
            ("wasmi", peer("wasmi", None)),
            ("wasm3", peer("wasm3", None)),
            ("wasmtime", peer("wasmtime", Some("cranelift"))),
            ("winch", peer("wasmtime", Some("winch"))),
            ("pulley", peer("wasmtime", Some("pulley"))),
            ("v8", Kind::V8 { node: options.node.clone(), script: options.v8.clone() }),
        ];
        let mut engines = Vec::new();
        for (name, kind) in table {
            let compiles = matches!(name, "jit" | "wasmtime" | "winch" | "pulley");
            let engine = Engine { name, compiles, kind };
            if !options.wants_engine(name) {
                continue;
            }
            match engine.missing(options) {
                None => engines.push(engine),
                Some(why) => eprintln!("{name} is left out: {why}"),
            }
        }
        engines
    }

    /// The command that runs a kernel.
    pub fn run(&self, kernel: &Kernel, options: &Options) -> Command {
        let module = options.kernels.join(format!("{}.wasm", kernel.module));
        let mut command = match &self.kind {
            Kind::Native => Command::new(options.native.join(format!(
                "{}{}",
                kernel.native,
                std::env::consts::EXE_SUFFIX
            ))),
            Kind::Sampan { mode } => {
                let mut command = Command::new(&options.sampan);
                command.args(["run", "--mode", mode]).arg(module);
                command
            }
            Kind::Peer { program, compiler } => peer(program, "run", *compiler, &module),
            Kind::V8 { node, script } => {
                let mut command = Command::new(node);
                command.arg(script).arg("run").arg(module);
                command
            }
        };
        command.args(kernel.args);
        command
    }

    /// The command that validates and translates a module and does not run it.
    pub fn load(&self, module: &Path, options: &Options) -> Option<Command> {
        match &self.kind {
            // V8 compiles a function when it is first called.
            Kind::Native | Kind::V8 { .. } => None,
            Kind::Sampan { mode } => {
                let name = format!("sampan-load{}", std::env::consts::EXE_SUFFIX);
                let mut command = Command::new(options.peers.join(name));
                command.arg(mode).arg(module);
                Some(command)
            }
            Kind::Peer { program, compiler } => Some(peer(program, "load", *compiler, module)),
        }
    }

    /// The command that says what instances of two modules and calls cost.
    pub fn embed(&self, small: &Path, large: &Path, options: &Options) -> Option<Command> {
        let mut command = match &self.kind {
            Kind::Native | Kind::V8 { .. } => return None,
            Kind::Sampan { mode } => {
                let name = format!("sampan-load{}", std::env::consts::EXE_SUFFIX);
                let mut command = Command::new(options.peers.join(name));
                command.args(["embed", mode]).arg(small);
                command
            }
            // Its runner has the C interface only, where calls are not typed.
            Kind::Peer { .. } if self.name == "wasm3" => return None,
            Kind::Peer { program, compiler } => peer(program, "embed", *compiler, small),
        };
        command.arg(large);
        Some(command)
    }

    /// Why it can't run, if so. A sampan that does not run the trivial program
    /// is not there yet.
    fn missing(&self, options: &Options) -> Option<String> {
        let program = match &self.kind {
            Kind::Native => options.native.join(format!("hello{}", std::env::consts::EXE_SUFFIX)),
            Kind::Sampan { .. } => options.sampan.clone(),
            Kind::Peer { program, .. } | Kind::V8 { node: program, .. } => program.clone(),
        };
        if !program.exists() {
            return Some(format!(
                "{} is not built",
                program.file_name().unwrap_or_default().display()
            ));
        }
        match self.run(&crate::kernels::HELLO, options).output() {
            Ok(output) if output.stdout.starts_with(b"hello") => None,
            Ok(output) => Some(format!("it does not run hello.wasm ({})", output.status)),
            Err(error) => Some(error.to_string()),
        }
    }
}

fn peer(program: &Path, verb: &str, compiler: Option<&str>, module: &Path) -> Command {
    let mut command = Command::new(program);
    command.arg(verb);
    if let Some(compiler) = compiler {
        command.args(["--compiler", compiler]);
    }
    command.arg(module);
    command
}
