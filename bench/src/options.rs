//! What the command line says. `cargo xtask bench` writes it, so there is no help.

use std::path::PathBuf;

/// Paths and choices.
pub struct Options {
    /// The sampan binary.
    pub sampan: PathBuf,
    /// The folder with the peers' runners.
    pub peers: PathBuf,
    /// The node whose V8 is compared, and the script that runs a module in it.
    pub node: PathBuf,
    pub v8: PathBuf,
    /// The folder with the kernels as native programs, and `measure`.
    pub native: PathBuf,
    /// The folder with the kernels' modules.
    pub kernels: PathBuf,
    /// A large module, for the speed of loading.
    pub large: PathBuf,
    /// Where the table goes besides standard output.
    pub output: Option<PathBuf>,
    /// How often each engine's turn comes.
    pub rounds: usize,
    /// Only these kernels, unless empty.
    pub kernels_named: Vec<String>,
    /// Only these engines, unless empty.
    pub engines_named: Vec<String>,
}

impl Options {
    /// Reads the process's arguments.
    pub fn read() -> Result<Options, String> {
        let mut options = Options {
            sampan: PathBuf::new(),
            peers: PathBuf::new(),
            node: PathBuf::new(),
            v8: PathBuf::new(),
            native: PathBuf::new(),
            kernels: PathBuf::new(),
            large: PathBuf::new(),
            output: None,
            rounds: 5,
            kernels_named: Vec::new(),
            engines_named: Vec::new(),
        };
        let mut words = std::env::args().skip(1);
        while let Some(name) = words.next() {
            let value = words.next().ok_or(format!("{name} needs a value"))?;
            match name.as_str() {
                "--sampan" => options.sampan = value.into(),
                "--peers" => options.peers = value.into(),
                "--node" => options.node = value.into(),
                "--v8" => options.v8 = value.into(),
                "--native" => options.native = value.into(),
                "--kernels" => options.kernels = value.into(),
                "--large" => options.large = value.into(),
                "--output" => options.output = Some(value.into()),
                "--rounds" => {
                    options.rounds =
                        value.parse().map_err(|_| format!("{name} {value}: not a number"))?
                }
                "--kernel" => options.kernels_named.push(value),
                "--engine" => options.engines_named.push(value),
                _ => {
                    return Err(format!(
                        "unknown option {name}; run this through cargo xtask bench"
                    ));
                }
            }
        }
        Ok(options)
    }

    /// Whether a kernel was asked for.
    pub fn wants_kernel(&self, name: &str) -> bool {
        self.kernels_named.is_empty() || self.kernels_named.iter().any(|wanted| wanted == name)
    }

    /// Whether an engine was asked for. Without a choice it is all but
    /// wasmtime's slower compilers.
    pub fn wants_engine(&self, name: &str) -> bool {
        if self.engines_named.is_empty() {
            return !matches!(name, "winch" | "pulley");
        }
        // Ratios are over native, so it always runs.
        name == "native" || self.engines_named.iter().any(|wanted| wanted == name)
    }
}
