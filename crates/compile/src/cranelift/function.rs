//! Compiling one function.

use super::builder::CraneliftBuilder;
use crate::builder::Ty;
use crate::hints::Hints;
use crate::lower::{self, Lowering, Options};
use cranelift_codegen::binemit::Reloc;
use cranelift_codegen::ir::{
    self, AbiParam, ArgumentPurpose, ExternalName, Function, Signature, UserFuncName, types,
};
use cranelift_codegen::isa::{CallConv, OwnedTargetIsa};
use cranelift_codegen::settings::{self, Configurable};
use cranelift_codegen::{Context as Codegen, FinalizedRelocTarget, control::ControlPlane};
use cranelift_frontend::{FunctionBuilder, FunctionBuilderContext};
use sampan_engine::{Module, native::Place};
use sampan_wasm::{FuncType, Scratch};

/// The processor that code is made for.
pub(crate) struct Target {
    pub isa: OwnedTargetIsa,
    /// Whether it has vectors of 128 bits: RISC-V only with an extension.
    vectors: bool,
}

impl Target {
    /// This host's processor with all that it offers.
    pub fn host(canonical_nans: bool) -> Result<Target, String> {
        let mut flags = settings::builder();
        let mut set = |name: &str, value: &str| {
            flags.set(name, value).map_err(|error| format!("setting {name}: {error}"))
        };
        set("opt_level", "speed")?;
        set("preserve_frame_pointers", "true")?;
        set("unwind_info", "false")?;
        set("enable_probestack", "false")?;
        set("enable_multi_ret_implicit_sret", "true")?;
        set("enable_verifier", if cfg!(debug_assertions) { "true" } else { "false" })?;
        set("enable_nan_canonicalization", if canonical_nans { "true" } else { "false" })?;
        let isa = cranelift_native::builder().map_err(str::to_owned)?;
        let isa = isa.finish(settings::Flags::new(flags)).map_err(|error| error.to_string())?;
        let vectors = isa.name() != "riscv64"
            || isa
                .isa_flags()
                .iter()
                .any(|flag| flag.name == "has_v" && flag.as_bool() == Some(true));
        Ok(Target { isa, vectors })
    }
}

impl Target {
    /// What the code depends on: the processor, its features, the settings.
    pub fn describe(&self) -> String {
        use std::fmt::Write;
        let mut text = format!("{} {}", self.isa.triple(), self.isa.flags());
        for flag in self.isa.isa_flags() {
            write!(text, " {flag}").expect("strings take everything");
        }
        text
    }
}

/// What code refers to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Symbol {
    /// A body.
    Body(u32),
    /// A body from one of its loops on.
    Loop(u32),
    /// The code that passes calls of functions of a type on to the engine.
    InterpretedCaller(u32),
    /// The entry for functions of a type.
    Entry(u32),
    /// The entry for code that begins at a loop of a function of a type.
    LoopEntry(u32),
}

/// The code of one function, and what there is to know about it. Offsets are its own.
pub(crate) struct Compiled {
    pub code: Vec<u8>,
    pub align: u32,
    /// Where, of what kind, to what, plus what.
    pub relocs: Vec<(u32, Reloc, Symbol, i64)>,
    /// Where, and Cranelift's number.
    pub traps: Vec<(u32, u8)>,
    /// From where on, and the offset in the module.
    pub offsets: Vec<(u32, u32)>,
}

/// What is kept from one function to the next.
#[derive(Default)]
pub(crate) struct Context {
    codegen: Option<Codegen>,
    frontend: FunctionBuilderContext,
    scratch: Scratch,
    control: ControlPlane,
}

pub(super) fn ir_type(ty: Ty) -> ir::Type {
    match ty {
        Ty::I32 => types::I32,
        Ty::I64 => types::I64,
        Ty::F32 => types::F32,
        Ty::F64 => types::F64,
        Ty::V128 => types::I8X16,
    }
}

pub(super) fn signature(ty: &FuncType) -> Signature {
    let mut signature = Signature::new(CallConv::Tail);
    signature.params.push(AbiParam::special(types::I64, ArgumentPurpose::VMContext));
    let param = |&ty: &sampan_wasm::ValType| AbiParam::new(ir_type(ty.into()));
    signature.params.extend(ty.params().iter().map(param));
    signature.returns.extend(ty.results().iter().map(param));
    signature
}

impl Context {
    /// The code of a place.
    ///
    /// # Errors
    /// What in it is not compiled.
    pub fn body(
        &mut self,
        target: &Target,
        module: &Module,
        hints: &Hints,
        place: Place,
        options: Options,
    ) -> Result<Compiled, String> {
        let decl = module.decl();
        let index = decl.imported_funcs + place.body;
        let ty = decl.func_type(index);
        let at_loop = place.at != 0;
        let signature = if at_loop { signature(&lower::resumed_type(ty)) } else { signature(ty) };
        let mut scratch = std::mem::take(&mut self.scratch);
        let result = self.compile(target, signature, at_loop, |builder| {
            let builder = CraneliftBuilder::new(builder, decl, target, true);
            let mut lowering = Lowering::new(decl, hints, builder, options);
            if at_loop {
                lowering.resume(place);
            }
            let features = module.engine().config().features;
            let mut visitor = Locals { lowering: &mut lowering, at_loop };
            let result = sampan_wasm::validate_body(
                module.bytes(),
                features,
                decl,
                index,
                &mut scratch,
                &mut visitor,
            );
            let resumed = lowering.is_resumed();
            let builder = lowering.finish();
            match result {
                Ok(()) if !resumed => Err("the loop is not reached".into()),
                Ok(()) => builder.finish(),
                Err(error) => Err(error.to_string()),
            }
        });
        self.scratch = scratch;
        result
    }

    /// Code for functions of a type, or for a body that is interpreted: see [`Symbol`].
    pub fn glue(
        &mut self,
        target: &Target,
        module: &Module,
        symbol: Symbol,
        tiered: bool,
    ) -> Result<Compiled, String> {
        let decl = module.decl();
        let ty = match symbol {
            Symbol::Entry(ty) | Symbol::LoopEntry(ty) | Symbol::InterpretedCaller(ty) => ty,
            Symbol::Body(body) | Symbol::Loop(body) => {
                decl.funcs[(decl.imported_funcs + body) as usize]
            }
        };
        let ty = decl.types.func(ty).ok_or("not a function type")?;
        let is_entry = matches!(symbol, Symbol::Entry(_) | Symbol::LoopEntry(_));
        let signature = if is_entry {
            let mut signature = Signature::new(target.isa.default_call_conv());
            signature.params = vec![AbiParam::new(types::I64); 3];
            signature
        } else {
            signature(ty)
        };
        self.compile(target, signature, false, |builder| {
            let mut builder = CraneliftBuilder::new(builder, decl, target, !is_entry);
            let params = builder.parameters();
            match symbol {
                Symbol::Entry(_) => lower::entry(&mut builder, ty, &params, false),
                Symbol::LoopEntry(_) => lower::entry(&mut builder, ty, &params, true),
                Symbol::InterpretedCaller(_) => {
                    lower::interpreted_caller(&mut builder, ty, &params[1..]);
                }
                Symbol::Body(body) | Symbol::Loop(body) => {
                    lower::forwarder(&mut builder, decl, body, &params[1..], tiered);
                }
            }
            builder.finish()
        })
    }

    /// `verified`: code that Cranelift's verifier does not accept is an error. Code that begins in
    /// the middle is not as well tried as the rest: where a value is used that was made in the
    /// part that was left out, the interpreter goes on.
    fn compile(
        &mut self,
        target: &Target,
        signature: Signature,
        verified: bool,
        build: impl FnOnce(FunctionBuilder<'_>) -> Result<(), String>,
    ) -> Result<Compiled, String> {
        let codegen = self.codegen.get_or_insert_with(Codegen::new);
        codegen.clear();
        codegen.func = Function::with_name_signature(UserFuncName::default(), signature);
        let builder = FunctionBuilder::new(&mut codegen.func, &mut self.frontend);
        if let Err(error) = build(builder) {
            self.frontend = FunctionBuilderContext::new();
            return Err(error);
        }
        let isa = &*target.isa;
        if !target.vectors && has_vectors(&codegen.func) {
            return Err("the processor has no vectors".into());
        }
        if verified {
            codegen.verify(isa).map_err(|error| error.to_string())?;
        }
        codegen.compile(isa, &mut self.control).map_err(|error| format!("{:?}", error.inner))?;
        let compiled = codegen.take_compiled_code().ok_or("no code was made")?;
        let buffer = &compiled.buffer;
        let mut relocs: Vec<(u32, Reloc, Symbol, i64)> = Vec::new();
        for reloc in buffer.relocs() {
            let (symbol, plus) = match reloc.target {
                FinalizedRelocTarget::ExternalName(ExternalName::User(name)) => {
                    let name = &codegen.func.params.user_named_funcs()[name];
                    let symbol = match name.namespace {
                        0 => Symbol::Body(name.index),
                        _ => Symbol::InterpretedCaller(name.index),
                    };
                    (symbol, reloc.addend)
                }
                // RISC-V: the rest of the distance that an instruction before has.
                FinalizedRelocTarget::Func(first) => {
                    let found = relocs.iter().find(|&&(at, ..)| at == first);
                    let &(_, _, symbol, plus) = found.ok_or("half of a reference")?;
                    (symbol, plus + i64::from(reloc.offset - first))
                }
                FinalizedRelocTarget::ExternalName(_) => {
                    return Err("the code needs a function of the system's".into());
                }
            };
            relocs.push((reloc.offset, reloc.kind, symbol, plus));
        }
        let traps = buffer.traps().iter().map(|t| (t.offset, t.code.as_raw().get())).collect();
        let offsets = buffer
            .get_srclocs_sorted()
            .iter()
            .filter(|loc| !loc.loc.is_default())
            .map(|loc| (loc.start, loc.loc.bits()))
            .collect();
        Ok(Compiled {
            code: buffer.data().to_vec(),
            align: buffer.alignment.max(16),
            relocs,
            traps,
            offsets,
        })
    }
}

/// Whether anything in a function is a vector.
fn has_vectors(func: &Function) -> bool {
    let in_signature = |signature: &Signature| {
        signature.params.iter().chain(&signature.returns).any(|param| param.value_type.is_vector())
    };
    let dfg = &func.dfg;
    in_signature(&func.signature)
        || dfg.signatures.values().any(in_signature)
        || dfg.values().any(|value| dfg.value_type(value).is_vector())
}

/// Tells the builder of the locals before the lowering begins.
struct Locals<'l, 'm, 'f> {
    lowering: &'l mut Lowering<'m, CraneliftBuilder<'f>>,
    /// The code begins at a loop: no local is a parameter.
    at_loop: bool,
}

impl sampan_wasm::Visitor for Locals<'_, '_, '_> {
    fn begin(
        &mut self,
        module: &sampan_wasm::Module,
        index: u32,
        locals: &[sampan_wasm::ValType],
    ) -> sampan_wasm::Result<()> {
        let params = if self.at_loop { 0 } else { module.func_type(index).params().len() };
        self.lowering.builder_mut().declare_locals(locals, params);
        self.lowering.begin(module, index, locals)
    }

    fn instr(
        &mut self,
        at: usize,
        next: usize,
        instr: &sampan_wasm::Instr<'_>,
        state: &sampan_wasm::State<'_>,
    ) -> sampan_wasm::Result<()> {
        self.lowering.instr(at, next, instr, state)
    }
}
