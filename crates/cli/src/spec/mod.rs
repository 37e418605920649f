//! Spec scripts (`.wast`): modules, and assertions about them.
//!
//! Source: the reference interpreter's README, "Scripts".

mod module;
mod spectest;
mod values;

use module::Slot;
use sampan::{
    Config, Error, ErrorKind, Feature, Features, Instance, Linker, Mode, Store, Trap, Val,
};
use std::collections::{BTreeMap, BTreeSet};
use wast::lexer::Lexer;
use wast::parser::{self, ParseBuffer};
use wast::token::Id;
use wast::{QuoteWat, Wast, WastDirective, WastExecute, WastInvoke};

/// What came of a script.
#[derive(Debug, Default)]
pub struct Outcome {
    /// How many directives did what they should.
    pub passed: u32,
    /// What the others did, with their lines (from one).
    pub failures: Vec<(usize, String)>,
    /// How many directives depend on a module that is not executed.
    pub skipped: u32,
    /// The proposals that those modules need.
    pub unsupported: BTreeSet<&'static str>,
}

/// Runs a script with an interpreter. Modules are validated with `features`, also those that
/// need proposals which are not executed; what depends on these is skipped.
pub fn run(text: &str, mode: Mode, features: Features) -> Outcome {
    let mut config = Config::new();
    config.mode(mode);
    run_with(text, config, features)
}

/// [`run`] with more choices.
pub fn run_with(text: &str, config: Config, features: Features) -> Outcome {
    let mut lexer = Lexer::new(text);
    lexer.allow_confusing_unicode(true);
    let parsed = ParseBuffer::new_with_lexer(lexer);
    let parsed = parsed.and_then(|buffer| {
        let mut script = Script::new(text, config, features);
        script.directives(parser::parse::<Wast<'_>>(&buffer)?.directives);
        Ok(script.outcome)
    });
    parsed.unwrap_or_else(|error| {
        let (line, _) = error.span().linecol_in(text);
        let failures = vec![(line + 1, format!("does not parse: {}", error.message()))];
        Outcome { failures, ..Outcome::default() }
    })
}

struct Script<'a> {
    text: &'a str,
    outcome: Outcome,
    store: Store<()>,
    linker: Linker<()>,
    /// The last module, which directives without a name mean.
    current: Slot<Instance>,
    instances: BTreeMap<String, Slot<Instance>>,
    definition: Slot<sampan::Module>,
    definitions: BTreeMap<String, Slot<sampan::Module>>,
    /// Instances under the names by which they are imported.
    registered: BTreeMap<String, Instance>,
    /// Registered names of modules that are not executed.
    skipped_names: BTreeSet<String>,
}

/// Why a directive did not pass.
enum Stop {
    Failed(String),
    /// It depends on a module that is not executed.
    Skipped,
}

impl From<String> for Stop {
    fn from(reason: String) -> Stop {
        Stop::Failed(reason)
    }
}

impl From<&str> for Stop {
    fn from(reason: &str) -> Stop {
        Stop::Failed(reason.into())
    }
}

/// What an action did: its results, or its error.
type Action = Result<Result<Vec<Val>, Error>, Stop>;

impl<'a> Script<'a> {
    fn new(text: &'a str, mut config: Config, features: Features) -> Script<'a> {
        for &feature in Feature::ALL {
            config.feature(feature, features.has(feature));
        }
        let engine = sampan::Engine::new(&config);
        let mut store = Store::new(&engine, ());
        let mut linker = Linker::new(&engine);
        linker.allow_shadowing(true);
        spectest::define(&mut linker, &mut store).expect("nothing is defined yet");
        Script {
            text,
            outcome: Outcome::default(),
            store,
            linker,
            current: Slot::Empty,
            instances: BTreeMap::new(),
            definition: Slot::Empty,
            definitions: BTreeMap::new(),
            registered: BTreeMap::new(),
            skipped_names: BTreeSet::new(),
        }
    }

    fn directives(&mut self, directives: Vec<WastDirective<'a>>) {
        for directive in directives {
            let (line, _) = directive.span().linecol_in(self.text);
            match self.directive(directive) {
                Ok(()) => self.outcome.passed += 1,
                Err(Stop::Skipped) => self.outcome.skipped += 1,
                Err(Stop::Failed(reason)) => self.outcome.failures.push((line + 1, reason)),
            }
        }
    }

    fn directive(&mut self, directive: WastDirective<'a>) -> Result<(), Stop> {
        match directive {
            WastDirective::Module(module) => self.define_and_instantiate(module),
            WastDirective::ModuleDefinition(module) => self.define(module),
            WastDirective::ModuleInstance { instance, module, .. } => {
                self.instantiate_definition(instance, module)
            }
            WastDirective::Register { name, module, .. } => self.register(name, module),
            WastDirective::Invoke(invoke) => {
                self.invoke(invoke)?.map(drop).map_err(|error| Stop::Failed(reason(&error)))
            }
            WastDirective::AssertReturn { exec, results, .. } => match self.execute(exec)? {
                Ok(found) => values::check(&self.store, &results, &found).map_err(Stop::Failed),
                Err(error) => Err(reason(&error).into()),
            },
            WastDirective::AssertTrap { exec, message, .. } => match self.execute(exec)? {
                Ok(values) => Err(format!("expected trap {message:?}, found {values:?}").into()),
                Err(error) => expect_trap(&error, message),
            },
            WastDirective::AssertExhaustion { call, .. } => match self.invoke(call)? {
                Err(error) if error.trap() == Some(Trap::StackOverflow) => Ok(()),
                Err(error) => Err(reason(&error).into()),
                Ok(values) => Err(format!("expected exhaustion, found {values:?}").into()),
            },
            WastDirective::AssertUnlinkable { module, message, .. } => {
                let module = self.load(QuoteWat::Wat(module))?;
                match self.instantiate(&module)? {
                    Ok(_) => Err(format!("linked, expected {message:?}").into()),
                    Err(error) => expect_link_error(&error, message),
                }
            }
            WastDirective::AssertMalformed { module, message, .. }
            | WastDirective::AssertInvalid { module, message, .. } => match self.validate(module) {
                Ok(()) => Err(format!("accepted, expected {message:?}").into()),
                Err(_) => Ok(()),
            },
            // A broken custom section never rejects a module.
            WastDirective::AssertMalformedCustom { module, .. }
            | WastDirective::AssertInvalidCustom { module, .. } => {
                self.validate(module).map_err(Stop::Failed)
            }
            WastDirective::AssertException { exec, .. } => match self.execute(exec)? {
                Ok(values) => Err(format!("expected an exception, found {values:?}").into()),
                Err(error) if matches!(error.kind(), ErrorKind::Exception) => Ok(()),
                Err(error) => {
                    Err(format!("expected an exception, found {}", reason(&error)).into())
                }
            },
            WastDirective::Thread(_) | WastDirective::Wait { .. } => {
                self.outcome.unsupported.insert(Feature::Threads.name());
                Err(Stop::Skipped)
            }
            WastDirective::AssertSuspension { .. } => Err("an unknown directive".into()),
        }
    }

    fn execute(&mut self, exec: WastExecute<'_>) -> Action {
        match exec {
            WastExecute::Invoke(invoke) => self.invoke(invoke),
            WastExecute::Wat(module) => {
                let module = self.load(QuoteWat::Wat(module))?;
                Ok(self.instantiate(&module)?.map(|_| Vec::new()))
            }
            WastExecute::Get { module, global, .. } => {
                let instance = self.instance(module)?;
                let found = instance.get_global(&self.store, global);
                let found = found.ok_or_else(|| format!("no global {global:?}"))?;
                Ok(Ok(vec![found.get(&mut self.store)]))
            }
        }
    }

    fn invoke(&mut self, invoke: WastInvoke<'_>) -> Action {
        let instance = self.instance(invoke.module)?;
        let func = instance.get_func(&self.store, invoke.name);
        let func = func.ok_or_else(|| format!("no function {:?}", invoke.name))?;
        let args: Result<Vec<Val>, String> =
            invoke.args.iter().map(|arg| values::argument(&mut self.store, arg)).collect();
        let count = func.ty(&self.store).results().len();
        let mut results = vec![Val::I32(0); count];
        Ok(func.call(&mut self.store, &args?, &mut results).map(|()| results))
    }

    fn instance(&self, name: Option<Id<'_>>) -> Result<Instance, Stop> {
        let slot = match name {
            Some(id) => self.instances.get(id.name()).unwrap_or(&Slot::Empty),
            None => &self.current,
        };
        slot.get("no such instance")
    }
}

fn reason(error: &Error) -> String {
    error.kind().to_string()
}

fn expect_trap(error: &Error, message: &str) -> Result<(), Stop> {
    let found = reason(error);
    match error.trap() {
        // Versions of the suite say more or less of the index, say.
        // The suite says what kind of reference is null.
        Some(Trap::NullReference)
            if message.starts_with("null ") && message.ends_with(" reference") =>
        {
            Ok(())
        }
        Some(_) if message.starts_with(&found) || found.starts_with(message) => Ok(()),
        _ => Err(format!("expected trap {message:?}, found {found:?}").into()),
    }
}

fn expect_link_error(error: &Error, message: &str) -> Result<(), Stop> {
    let found = reason(error);
    match error.kind() {
        ErrorKind::Link(_) if found.starts_with(message) => Ok(()),
        _ => Err(format!("expected {message:?}, found {found:?}").into()),
    }
}
