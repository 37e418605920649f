//! Rules of proposals that are not built in. Nothing gets here, as the reader refuses their
//! instructions before.

macro_rules! absent {
    ($($proposal:literal $rules:ident;)*) => {$(
        #[cfg(not(feature = $proposal))]
        impl super::body::Validator<'_> {
            pub(super) fn $rules(&mut self, instr: &crate::Instr<'_>) -> crate::Result<()> {
                Err(self.no_rule(instr.op))
            }
        }
    )*};
}

absent! {
    "bulk-memory" bulk_instr;
    "reference-types" reference_instr;
    "function-references" function_reference_instr;
    "gc" gc_instr;
    "exceptions" exception_instr;
    "tail-calls" tail_call_instr;
    "wide-arithmetic" wide_instr;
}
