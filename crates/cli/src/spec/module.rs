//! The directives that make modules and instances.

use super::{Script, Stop, reason};
use sampan::{Error, ErrorKind, Instance, Module};
use wast::token::Id;
use wast::{QuoteWat, Wat};

/// Something that a later directive may name.
#[derive(Clone)]
pub(super) enum Slot<T> {
    Empty,
    /// A module that is not executed.
    Skipped,
    Live(T),
}

impl<T: Clone> Slot<T> {
    pub(super) fn get(&self, otherwise: &str) -> Result<T, Stop> {
        match self {
            Slot::Live(value) => Ok(value.clone()),
            Slot::Skipped => Err(Stop::Skipped),
            Slot::Empty => Err(otherwise.into()),
        }
    }
}

impl<'a> Script<'a> {
    pub(super) fn define_and_instantiate(&mut self, module: QuoteWat<'_>) -> Result<(), Stop> {
        let name = name(&module);
        // Whatever comes of it, the earlier module is no longer meant.
        self.current = Slot::Skipped;
        let result = self.load(module).and_then(|module| {
            let instance = self.instantiate(&module)?;
            instance.map_err(|error| Stop::Failed(reason(&error)))
        });
        self.keep(name, result)
    }

    pub(super) fn define(&mut self, module: QuoteWat<'_>) -> Result<(), Stop> {
        let name = name(&module);
        let (slot, result) = split(self.load(module));
        if let Some(name) = name {
            self.definitions.insert(name, slot.clone());
        }
        self.definition = slot;
        result
    }

    pub(super) fn instantiate_definition(
        &mut self,
        instance: Option<Id<'_>>,
        module: Option<Id<'_>>,
    ) -> Result<(), Stop> {
        let slot = match module {
            Some(id) => self.definitions.get(id.name()).unwrap_or(&Slot::Empty),
            None => &self.definition,
        };
        let name = instance.map(|id| id.name().to_owned());
        let result = slot.get("no such module").and_then(|module| {
            self.instantiate(&module)?.map_err(|error| Stop::Failed(reason(&error)))
        });
        self.keep(name, result)
    }

    fn keep(&mut self, name: Option<String>, result: Result<Instance, Stop>) -> Result<(), Stop> {
        let (slot, result) = split(result);
        if let Some(name) = name {
            self.instances.insert(name, slot.clone());
        }
        self.current = slot;
        result
    }

    pub(super) fn register(&mut self, name: &str, module: Option<Id<'_>>) -> Result<(), Stop> {
        match self.instance(module) {
            Ok(instance) => {
                self.skipped_names.remove(name);
                let defined = self.linker.instance(&self.store, name, instance);
                defined.map(drop).map_err(|error| Stop::Failed(reason(&error)))
            }
            Err(stop) => {
                self.skipped_names.insert(name.to_owned());
                Err(stop)
            }
        }
    }

    /// Makes a module, if what it needs is executed.
    pub(super) fn load(&mut self, mut module: QuoteWat<'_>) -> Result<Module, Stop> {
        let bytes = encode(&mut module)?;
        let engine = self.linker.engine().clone();
        let error = match Module::new(&engine, &bytes) {
            Ok(module) => return Ok(module),
            Err(error) => error,
        };
        if let Err(error) = Module::validate(&engine, &bytes) {
            return Err(format!("rejected: {}", reason(&error)).into());
        }
        match error.kind() {
            ErrorKind::Unsupported(features, _) => {
                self.outcome.unsupported.extend(features.iter().map(|feature| feature.name()));
                Err(Stop::Skipped)
            }
            _ => Err(format!("rejected: {}", reason(&error)).into()),
        }
    }

    pub(super) fn instantiate(&mut self, module: &Module) -> Result<Result<Instance, Error>, Stop> {
        let skipped = |name: &str| self.skipped_names.contains(name);
        if module.imports().any(|import| skipped(import.module())) {
            return Err(Stop::Skipped);
        }
        Ok(self.linker.instantiate(&mut self.store, module))
    }

    /// Checks a module whether it is executed or not.
    pub(super) fn validate(&mut self, mut module: QuoteWat<'_>) -> Result<(), String> {
        let bytes = encode(&mut module)?;
        Module::validate(self.linker.engine(), bytes).map_err(|error| reason(&error))
    }
}

fn name(module: &QuoteWat<'_>) -> Option<String> {
    match module {
        QuoteWat::Wat(Wat::Module(module)) => module.id.map(|id| id.name().to_owned()),
        _ => None,
    }
}

fn encode(module: &mut QuoteWat<'_>) -> Result<Vec<u8>, String> {
    if matches!(module, QuoteWat::Wat(Wat::Component(_)) | QuoteWat::QuoteComponent(..)) {
        return Err("a component".into());
    }
    module.encode().map_err(|error| format!("does not encode: {}", error.message()))
}

fn split<T: Clone>(result: Result<T, Stop>) -> (Slot<T>, Result<(), Stop>) {
    match result {
        Ok(value) => (Slot::Live(value), Ok(())),
        Err(Stop::Skipped) => (Slot::Skipped, Err(Stop::Skipped)),
        Err(stop) => (Slot::Empty, Err(stop)),
    }
}
