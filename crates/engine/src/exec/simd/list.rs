//! The list of the 128-bit operations.

/// Calls a macro with all 128-bit operations that are not loads, stores or constants,
/// one a row.
///
/// `with_simd_ops!(callback)` expands to `callback! { rows }`, and
/// `with_simd_ops!(callback [anything])` to `callback! { [anything] rows }`.
///
/// A row is `shape Variant function and more;`, all of them identifiers. *Variant* is the
/// [`Opcode`](sampan_wasm::Opcode)'s, *function* is in [`simd`](super). The shapes are
///
/// | Row | The function's type |
/// |---|---|
/// | `unary V f;` | `V128 -> V128` |
/// | `binary V f;` | `V128, V128 -> V128` |
/// | `ternary V f;` | `V128, V128, V128 -> V128` |
/// | `shift V f;` | `V128, u32 -> V128` |
/// | `test V f;` | `V128 -> u32` |
/// | `splat V f A;` | `A -> V128` |
/// | `extract_lane V f R;` | `V128, u8 -> R`, the second is the lane |
/// | `replace_lane V f A;` | `V128, u8, A -> V128`, the second is the lane |
/// | `shuffle V f;` | `V128, V128, [u8; 16] -> V128` |
///
/// `unary`, `binary` and `ternary` rows end in `canon_f32x4` or `canon_f64x2` if the
/// result may be one of several NaNs: the function that makes it canonical.
macro_rules! with_simd_ops {
    ($callback:ident $($context:tt)?) => {
        $callback! {
            $($context)?
            // Operations on one vector.
            unary V128Not v128_not;
            unary F32x4DemoteF64x2Zero f32x4_demote_f64x2_zero canon_f32x4;
            unary F64x2PromoteLowF32x4 f64x2_promote_low_f32x4 canon_f64x2;
            unary I8x16Abs i8x16_abs;
            unary I8x16Neg i8x16_neg;
            unary I8x16Popcnt i8x16_popcnt;
            unary F32x4Ceil f32x4_ceil canon_f32x4;
            unary F32x4Floor f32x4_floor canon_f32x4;
            unary F32x4Trunc f32x4_trunc canon_f32x4;
            unary F32x4Nearest f32x4_nearest canon_f32x4;
            unary F64x2Ceil f64x2_ceil canon_f64x2;
            unary F64x2Floor f64x2_floor canon_f64x2;
            unary F64x2Trunc f64x2_trunc canon_f64x2;
            unary I16x8ExtaddPairwiseI8x16S i16x8_extadd_pairwise_i8x16_s;
            unary I16x8ExtaddPairwiseI8x16U i16x8_extadd_pairwise_i8x16_u;
            unary I32x4ExtaddPairwiseI16x8S i32x4_extadd_pairwise_i16x8_s;
            unary I32x4ExtaddPairwiseI16x8U i32x4_extadd_pairwise_i16x8_u;
            unary I16x8Abs i16x8_abs;
            unary I16x8Neg i16x8_neg;
            unary I16x8ExtendLowI8x16S i16x8_extend_low_i8x16_s;
            unary I16x8ExtendHighI8x16S i16x8_extend_high_i8x16_s;
            unary I16x8ExtendLowI8x16U i16x8_extend_low_i8x16_u;
            unary I16x8ExtendHighI8x16U i16x8_extend_high_i8x16_u;
            unary F64x2Nearest f64x2_nearest canon_f64x2;
            unary I32x4Abs i32x4_abs;
            unary I32x4Neg i32x4_neg;
            unary I32x4ExtendLowI16x8S i32x4_extend_low_i16x8_s;
            unary I32x4ExtendHighI16x8S i32x4_extend_high_i16x8_s;
            unary I32x4ExtendLowI16x8U i32x4_extend_low_i16x8_u;
            unary I32x4ExtendHighI16x8U i32x4_extend_high_i16x8_u;
            unary I64x2Abs i64x2_abs;
            unary I64x2Neg i64x2_neg;
            unary I64x2ExtendLowI32x4S i64x2_extend_low_i32x4_s;
            unary I64x2ExtendHighI32x4S i64x2_extend_high_i32x4_s;
            unary I64x2ExtendLowI32x4U i64x2_extend_low_i32x4_u;
            unary I64x2ExtendHighI32x4U i64x2_extend_high_i32x4_u;
            unary F32x4Abs f32x4_abs;
            unary F32x4Neg f32x4_neg;
            unary F32x4Sqrt f32x4_sqrt canon_f32x4;
            unary F64x2Abs f64x2_abs;
            unary F64x2Neg f64x2_neg;
            unary F64x2Sqrt f64x2_sqrt canon_f64x2;
            unary I32x4TruncSatF32x4S i32x4_trunc_sat_f32x4_s;
            unary I32x4TruncSatF32x4U i32x4_trunc_sat_f32x4_u;
            unary F32x4ConvertI32x4S f32x4_convert_i32x4_s;
            unary F32x4ConvertI32x4U f32x4_convert_i32x4_u;
            unary I32x4TruncSatF64x2SZero i32x4_trunc_sat_f64x2_s_zero;
            unary I32x4TruncSatF64x2UZero i32x4_trunc_sat_f64x2_u_zero;
            unary F64x2ConvertLowI32x4S f64x2_convert_low_i32x4_s;
            unary F64x2ConvertLowI32x4U f64x2_convert_low_i32x4_u;
            unary I32x4RelaxedTruncF32x4S i32x4_relaxed_trunc_f32x4_s;
            unary I32x4RelaxedTruncF32x4U i32x4_relaxed_trunc_f32x4_u;
            unary I32x4RelaxedTruncF64x2SZero i32x4_relaxed_trunc_f64x2_s_zero;
            unary I32x4RelaxedTruncF64x2UZero i32x4_relaxed_trunc_f64x2_u_zero;
            // Operations on two vectors.
            shuffle I8x16Shuffle i8x16_shuffle;
            binary I8x16Swizzle i8x16_swizzle;
            binary I8x16Eq i8x16_eq;
            binary I8x16Ne i8x16_ne;
            binary I8x16LtS i8x16_lt_s;
            binary I8x16LtU i8x16_lt_u;
            binary I8x16GtS i8x16_gt_s;
            binary I8x16GtU i8x16_gt_u;
            binary I8x16LeS i8x16_le_s;
            binary I8x16LeU i8x16_le_u;
            binary I8x16GeS i8x16_ge_s;
            binary I8x16GeU i8x16_ge_u;
            binary I16x8Eq i16x8_eq;
            binary I16x8Ne i16x8_ne;
            binary I16x8LtS i16x8_lt_s;
            binary I16x8LtU i16x8_lt_u;
            binary I16x8GtS i16x8_gt_s;
            binary I16x8GtU i16x8_gt_u;
            binary I16x8LeS i16x8_le_s;
            binary I16x8LeU i16x8_le_u;
            binary I16x8GeS i16x8_ge_s;
            binary I16x8GeU i16x8_ge_u;
            binary I32x4Eq i32x4_eq;
            binary I32x4Ne i32x4_ne;
            binary I32x4LtS i32x4_lt_s;
            binary I32x4LtU i32x4_lt_u;
            binary I32x4GtS i32x4_gt_s;
            binary I32x4GtU i32x4_gt_u;
            binary I32x4LeS i32x4_le_s;
            binary I32x4LeU i32x4_le_u;
            binary I32x4GeS i32x4_ge_s;
            binary I32x4GeU i32x4_ge_u;
            binary F32x4Eq f32x4_eq;
            binary F32x4Ne f32x4_ne;
            binary F32x4Lt f32x4_lt;
            binary F32x4Gt f32x4_gt;
            binary F32x4Le f32x4_le;
            binary F32x4Ge f32x4_ge;
            binary F64x2Eq f64x2_eq;
            binary F64x2Ne f64x2_ne;
            binary F64x2Lt f64x2_lt;
            binary F64x2Gt f64x2_gt;
            binary F64x2Le f64x2_le;
            binary F64x2Ge f64x2_ge;
            binary V128And v128_and;
            binary V128Andnot v128_andnot;
            binary V128Or v128_or;
            binary V128Xor v128_xor;
            binary I8x16NarrowI16x8S i8x16_narrow_i16x8_s;
            binary I8x16NarrowI16x8U i8x16_narrow_i16x8_u;
            binary I8x16Add i8x16_add;
            binary I8x16AddSatS i8x16_add_sat_s;
            binary I8x16AddSatU i8x16_add_sat_u;
            binary I8x16Sub i8x16_sub;
            binary I8x16SubSatS i8x16_sub_sat_s;
            binary I8x16SubSatU i8x16_sub_sat_u;
            binary I8x16MinS i8x16_min_s;
            binary I8x16MinU i8x16_min_u;
            binary I8x16MaxS i8x16_max_s;
            binary I8x16MaxU i8x16_max_u;
            binary I8x16AvgrU i8x16_avgr_u;
            binary I16x8Q15mulrSatS i16x8_q15mulr_sat_s;
            binary I16x8NarrowI32x4S i16x8_narrow_i32x4_s;
            binary I16x8NarrowI32x4U i16x8_narrow_i32x4_u;
            binary I16x8Add i16x8_add;
            binary I16x8AddSatS i16x8_add_sat_s;
            binary I16x8AddSatU i16x8_add_sat_u;
            binary I16x8Sub i16x8_sub;
            binary I16x8SubSatS i16x8_sub_sat_s;
            binary I16x8SubSatU i16x8_sub_sat_u;
            binary I16x8Mul i16x8_mul;
            binary I16x8MinS i16x8_min_s;
            binary I16x8MinU i16x8_min_u;
            binary I16x8MaxS i16x8_max_s;
            binary I16x8MaxU i16x8_max_u;
            binary I16x8AvgrU i16x8_avgr_u;
            binary I16x8ExtmulLowI8x16S i16x8_extmul_low_i8x16_s;
            binary I16x8ExtmulHighI8x16S i16x8_extmul_high_i8x16_s;
            binary I16x8ExtmulLowI8x16U i16x8_extmul_low_i8x16_u;
            binary I16x8ExtmulHighI8x16U i16x8_extmul_high_i8x16_u;
            binary I32x4Add i32x4_add;
            binary I32x4Sub i32x4_sub;
            binary I32x4Mul i32x4_mul;
            binary I32x4MinS i32x4_min_s;
            binary I32x4MinU i32x4_min_u;
            binary I32x4MaxS i32x4_max_s;
            binary I32x4MaxU i32x4_max_u;
            binary I32x4DotI16x8S i32x4_dot_i16x8_s;
            binary I32x4ExtmulLowI16x8S i32x4_extmul_low_i16x8_s;
            binary I32x4ExtmulHighI16x8S i32x4_extmul_high_i16x8_s;
            binary I32x4ExtmulLowI16x8U i32x4_extmul_low_i16x8_u;
            binary I32x4ExtmulHighI16x8U i32x4_extmul_high_i16x8_u;
            binary I64x2Add i64x2_add;
            binary I64x2Sub i64x2_sub;
            binary I64x2Mul i64x2_mul;
            binary I64x2Eq i64x2_eq;
            binary I64x2Ne i64x2_ne;
            binary I64x2LtS i64x2_lt_s;
            binary I64x2GtS i64x2_gt_s;
            binary I64x2LeS i64x2_le_s;
            binary I64x2GeS i64x2_ge_s;
            binary I64x2ExtmulLowI32x4S i64x2_extmul_low_i32x4_s;
            binary I64x2ExtmulHighI32x4S i64x2_extmul_high_i32x4_s;
            binary I64x2ExtmulLowI32x4U i64x2_extmul_low_i32x4_u;
            binary I64x2ExtmulHighI32x4U i64x2_extmul_high_i32x4_u;
            binary F32x4Add f32x4_add canon_f32x4;
            binary F32x4Sub f32x4_sub canon_f32x4;
            binary F32x4Mul f32x4_mul canon_f32x4;
            binary F32x4Div f32x4_div canon_f32x4;
            binary F32x4Min f32x4_min canon_f32x4;
            binary F32x4Max f32x4_max canon_f32x4;
            binary F32x4Pmin f32x4_pmin;
            binary F32x4Pmax f32x4_pmax;
            binary F64x2Add f64x2_add canon_f64x2;
            binary F64x2Sub f64x2_sub canon_f64x2;
            binary F64x2Mul f64x2_mul canon_f64x2;
            binary F64x2Div f64x2_div canon_f64x2;
            binary F64x2Min f64x2_min canon_f64x2;
            binary F64x2Max f64x2_max canon_f64x2;
            binary F64x2Pmin f64x2_pmin;
            binary F64x2Pmax f64x2_pmax;
            binary I8x16RelaxedSwizzle i8x16_relaxed_swizzle;
            binary F32x4RelaxedMin f32x4_relaxed_min canon_f32x4;
            binary F32x4RelaxedMax f32x4_relaxed_max canon_f32x4;
            binary F64x2RelaxedMin f64x2_relaxed_min canon_f64x2;
            binary F64x2RelaxedMax f64x2_relaxed_max canon_f64x2;
            binary I16x8RelaxedQ15mulrS i16x8_relaxed_q15mulr_s;
            binary I16x8RelaxedDotI8x16I7x16S i16x8_relaxed_dot_i8x16_i7x16_s;
            // Operations on three vectors.
            ternary V128Bitselect v128_bitselect;
            ternary F32x4RelaxedMadd f32x4_relaxed_madd canon_f32x4;
            ternary F32x4RelaxedNmadd f32x4_relaxed_nmadd canon_f32x4;
            ternary F64x2RelaxedMadd f64x2_relaxed_madd canon_f64x2;
            ternary F64x2RelaxedNmadd f64x2_relaxed_nmadd canon_f64x2;
            ternary I8x16RelaxedLaneselect i8x16_relaxed_laneselect;
            ternary I16x8RelaxedLaneselect i16x8_relaxed_laneselect;
            ternary I32x4RelaxedLaneselect i32x4_relaxed_laneselect;
            ternary I64x2RelaxedLaneselect i64x2_relaxed_laneselect;
            ternary I32x4RelaxedDotI8x16I7x16AddS i32x4_relaxed_dot_i8x16_i7x16_add_s;
            // Shifts.
            shift I8x16Shl i8x16_shl;
            shift I8x16ShrS i8x16_shr_s;
            shift I8x16ShrU i8x16_shr_u;
            shift I16x8Shl i16x8_shl;
            shift I16x8ShrS i16x8_shr_s;
            shift I16x8ShrU i16x8_shr_u;
            shift I32x4Shl i32x4_shl;
            shift I32x4ShrS i32x4_shr_s;
            shift I32x4ShrU i32x4_shr_u;
            shift I64x2Shl i64x2_shl;
            shift I64x2ShrS i64x2_shr_s;
            shift I64x2ShrU i64x2_shr_u;
            // Tests.
            test V128AnyTrue v128_any_true;
            test I8x16AllTrue i8x16_all_true;
            test I8x16Bitmask i8x16_bitmask;
            test I16x8AllTrue i16x8_all_true;
            test I16x8Bitmask i16x8_bitmask;
            test I32x4AllTrue i32x4_all_true;
            test I32x4Bitmask i32x4_bitmask;
            test I64x2AllTrue i64x2_all_true;
            test I64x2Bitmask i64x2_bitmask;
            // Single lanes.
            splat I8x16Splat i8x16_splat u32;
            splat I16x8Splat i16x8_splat u32;
            splat I32x4Splat i32x4_splat u32;
            splat I64x2Splat i64x2_splat u64;
            splat F32x4Splat f32x4_splat f32;
            splat F64x2Splat f64x2_splat f64;
            extract_lane I8x16ExtractLaneS i8x16_extract_lane_s u32;
            extract_lane I8x16ExtractLaneU i8x16_extract_lane_u u32;
            replace_lane I8x16ReplaceLane i8x16_replace_lane u32;
            extract_lane I16x8ExtractLaneS i16x8_extract_lane_s u32;
            extract_lane I16x8ExtractLaneU i16x8_extract_lane_u u32;
            replace_lane I16x8ReplaceLane i16x8_replace_lane u32;
            extract_lane I32x4ExtractLane i32x4_extract_lane u32;
            replace_lane I32x4ReplaceLane i32x4_replace_lane u32;
            extract_lane I64x2ExtractLane i64x2_extract_lane u64;
            replace_lane I64x2ReplaceLane i64x2_replace_lane u64;
            extract_lane F32x4ExtractLane f32x4_extract_lane f32;
            replace_lane F32x4ReplaceLane f32x4_replace_lane f32;
            extract_lane F64x2ExtractLane f64x2_extract_lane f64;
            replace_lane F64x2ReplaceLane f64x2_replace_lane f64;
        }
    };
}

pub(crate) use with_simd_ops;
