//! The list of the scalar operations.

/// Calls a macro with all scalar operations, one a row.
///
/// `with_numeric_ops!(callback)` expands to `callback! { rows }`, and
/// `with_numeric_ops!(callback [anything])` to `callback! { [anything] rows }`.
///
/// A row is `shape Variant function types;`, all of them identifiers. *Variant* is the
/// [`Opcode`](sampan_wasm::Opcode)'s, *function* is in [`num`](super). The shapes are
///
/// | Row | The function's type |
/// |---|---|
/// | `test V f A;` | `A -> bool` |
/// | `compare V f A;` | `A, A -> bool` |
/// | `unary V f A R;` | `A -> R` |
/// | `binary V f A B R;` | `A, B -> R` |
/// | `try_unary V f A R;` | `A -> Result<R, TrapKind>` |
/// | `try_binary V f A;` | `A, A -> Result<A, TrapKind>` |
/// | `wide_binary V f;` | `(u64, u64), (u64, u64) -> (u64, u64)`, low halves first |
/// | `wide_mul V f;` | `u64, u64 -> (u64, u64)`, low half first |
///
/// `unary` and `binary` rows end in `canon_f32` or `canon_f64` if the result may be one of
/// several NaNs: the function that makes it canonical.
macro_rules! with_numeric_ops {
    ($callback:ident $($context:tt)?) => {
        $callback! {
            $($context)?
            // Tests and comparisons.
            test I32Eqz i32_eqz u32;
            compare I32Eq i32_eq u32;
            compare I32Ne i32_ne u32;
            compare I32LtS i32_lt_s u32;
            compare I32LtU i32_lt_u u32;
            compare I32GtS i32_gt_s u32;
            compare I32GtU i32_gt_u u32;
            compare I32LeS i32_le_s u32;
            compare I32LeU i32_le_u u32;
            compare I32GeS i32_ge_s u32;
            compare I32GeU i32_ge_u u32;
            test I64Eqz i64_eqz u64;
            compare I64Eq i64_eq u64;
            compare I64Ne i64_ne u64;
            compare I64LtS i64_lt_s u64;
            compare I64LtU i64_lt_u u64;
            compare I64GtS i64_gt_s u64;
            compare I64GtU i64_gt_u u64;
            compare I64LeS i64_le_s u64;
            compare I64LeU i64_le_u u64;
            compare I64GeS i64_ge_s u64;
            compare I64GeU i64_ge_u u64;
            compare F32Eq f32_eq f32;
            compare F32Ne f32_ne f32;
            compare F32Lt f32_lt f32;
            compare F32Gt f32_gt f32;
            compare F32Le f32_le f32;
            compare F32Ge f32_ge f32;
            compare F64Eq f64_eq f64;
            compare F64Ne f64_ne f64;
            compare F64Lt f64_lt f64;
            compare F64Gt f64_gt f64;
            compare F64Le f64_le f64;
            compare F64Ge f64_ge f64;
            // Operations on one number.
            unary I32Clz i32_clz u32 u32;
            unary I32Ctz i32_ctz u32 u32;
            unary I32Popcnt i32_popcnt u32 u32;
            unary I64Clz i64_clz u64 u64;
            unary I64Ctz i64_ctz u64 u64;
            unary I64Popcnt i64_popcnt u64 u64;
            unary F32Abs f32_abs f32 f32;
            unary F32Neg f32_neg f32 f32;
            unary F32Ceil f32_ceil f32 f32 canon_f32;
            unary F32Floor f32_floor f32 f32 canon_f32;
            unary F32Trunc f32_trunc f32 f32 canon_f32;
            unary F32Nearest f32_nearest f32 f32 canon_f32;
            unary F32Sqrt f32_sqrt f32 f32 canon_f32;
            unary F64Abs f64_abs f64 f64;
            unary F64Neg f64_neg f64 f64;
            unary F64Ceil f64_ceil f64 f64 canon_f64;
            unary F64Floor f64_floor f64 f64 canon_f64;
            unary F64Trunc f64_trunc f64 f64 canon_f64;
            unary F64Nearest f64_nearest f64 f64 canon_f64;
            unary F64Sqrt f64_sqrt f64 f64 canon_f64;
            unary I32WrapI64 i32_wrap_i64 u64 u32;
            unary I64ExtendI32S i64_extend_i32_s u32 u64;
            unary I64ExtendI32U i64_extend_i32_u u32 u64;
            unary F32ConvertI32S f32_convert_i32_s u32 f32;
            unary F32ConvertI32U f32_convert_i32_u u32 f32;
            unary F32ConvertI64S f32_convert_i64_s u64 f32;
            unary F32ConvertI64U f32_convert_i64_u u64 f32;
            unary F32DemoteF64 f32_demote_f64 f64 f32 canon_f32;
            unary F64ConvertI32S f64_convert_i32_s u32 f64;
            unary F64ConvertI32U f64_convert_i32_u u32 f64;
            unary F64ConvertI64S f64_convert_i64_s u64 f64;
            unary F64ConvertI64U f64_convert_i64_u u64 f64;
            unary F64PromoteF32 f64_promote_f32 f32 f64 canon_f64;
            unary I32ReinterpretF32 i32_reinterpret_f32 f32 u32;
            unary I64ReinterpretF64 i64_reinterpret_f64 f64 u64;
            unary F32ReinterpretI32 f32_reinterpret_i32 u32 f32;
            unary F64ReinterpretI64 f64_reinterpret_i64 u64 f64;
            unary I32Extend8S i32_extend8_s u32 u32;
            unary I32Extend16S i32_extend16_s u32 u32;
            unary I64Extend8S i64_extend8_s u64 u64;
            unary I64Extend16S i64_extend16_s u64 u64;
            unary I64Extend32S i64_extend32_s u64 u64;
            unary I32TruncSatF32S i32_trunc_sat_f32_s f32 u32;
            unary I32TruncSatF32U i32_trunc_sat_f32_u f32 u32;
            unary I32TruncSatF64S i32_trunc_sat_f64_s f64 u32;
            unary I32TruncSatF64U i32_trunc_sat_f64_u f64 u32;
            unary I64TruncSatF32S i64_trunc_sat_f32_s f32 u64;
            unary I64TruncSatF32U i64_trunc_sat_f32_u f32 u64;
            unary I64TruncSatF64S i64_trunc_sat_f64_s f64 u64;
            unary I64TruncSatF64U i64_trunc_sat_f64_u f64 u64;
            // Operations on two numbers.
            binary I32Add i32_add u32 u32 u32;
            binary I32Sub i32_sub u32 u32 u32;
            binary I32Mul i32_mul u32 u32 u32;
            binary I32And i32_and u32 u32 u32;
            binary I32Or i32_or u32 u32 u32;
            binary I32Xor i32_xor u32 u32 u32;
            binary I32Shl i32_shl u32 u32 u32;
            binary I32ShrS i32_shr_s u32 u32 u32;
            binary I32ShrU i32_shr_u u32 u32 u32;
            binary I32Rotl i32_rotl u32 u32 u32;
            binary I32Rotr i32_rotr u32 u32 u32;
            binary I64Add i64_add u64 u64 u64;
            binary I64Sub i64_sub u64 u64 u64;
            binary I64Mul i64_mul u64 u64 u64;
            binary I64And i64_and u64 u64 u64;
            binary I64Or i64_or u64 u64 u64;
            binary I64Xor i64_xor u64 u64 u64;
            binary I64Shl i64_shl u64 u64 u64;
            binary I64ShrS i64_shr_s u64 u64 u64;
            binary I64ShrU i64_shr_u u64 u64 u64;
            binary I64Rotl i64_rotl u64 u64 u64;
            binary I64Rotr i64_rotr u64 u64 u64;
            binary F32Add f32_add f32 f32 f32 canon_f32;
            binary F32Sub f32_sub f32 f32 f32 canon_f32;
            binary F32Mul f32_mul f32 f32 f32 canon_f32;
            binary F32Div f32_div f32 f32 f32 canon_f32;
            binary F32Min f32_min f32 f32 f32 canon_f32;
            binary F32Max f32_max f32 f32 f32 canon_f32;
            binary F32Copysign f32_copysign f32 f32 f32;
            binary F64Add f64_add f64 f64 f64 canon_f64;
            binary F64Sub f64_sub f64 f64 f64 canon_f64;
            binary F64Mul f64_mul f64 f64 f64 canon_f64;
            binary F64Div f64_div f64 f64 f64 canon_f64;
            binary F64Min f64_min f64 f64 f64 canon_f64;
            binary F64Max f64_max f64 f64 f64 canon_f64;
            binary F64Copysign f64_copysign f64 f64 f64;
            // Operations that trap.
            try_binary I32DivS i32_div_s u32;
            try_binary I32DivU i32_div_u u32;
            try_binary I32RemS i32_rem_s u32;
            try_binary I32RemU i32_rem_u u32;
            try_binary I64DivS i64_div_s u64;
            try_binary I64DivU i64_div_u u64;
            try_binary I64RemS i64_rem_s u64;
            try_binary I64RemU i64_rem_u u64;
            try_unary I32TruncF32S i32_trunc_f32_s f32 u32;
            try_unary I32TruncF32U i32_trunc_f32_u f32 u32;
            try_unary I32TruncF64S i32_trunc_f64_s f64 u32;
            try_unary I32TruncF64U i32_trunc_f64_u f64 u32;
            try_unary I64TruncF32S i64_trunc_f32_s f32 u64;
            try_unary I64TruncF32U i64_trunc_f32_u f32 u64;
            try_unary I64TruncF64S i64_trunc_f64_s f64 u64;
            try_unary I64TruncF64U i64_trunc_f64_u f64 u64;
            // Wide arithmetic.
            wide_binary I64Add128 i64_add128;
            wide_binary I64Sub128 i64_sub128;
            wide_mul I64MulWideS i64_mul_wide_s;
            wide_mul I64MulWideU i64_mul_wide_u;
        }
    };
}

pub(crate) use with_numeric_ops;
