//! Which function an instruction computes with, and what it reads from memory.

use super::{Float, Pure, float as f, int, shuffle as s};
use iced_x86::Mnemonic;

/// What an instruction of the common shape `op destination, source[, immediate]` computes.
#[derive(Clone, Copy)]
pub(crate) enum Compute {
    Pure(Pure),
    Float(Float),
}

/// Its function, and the bytes of its source in memory: 16 means that they must be aligned,
/// 17 that they need not.
pub(crate) fn common(mnemonic: Mnemonic) -> Option<(Compute, u8)> {
    macro_rules! table {
        ($($kind:ident $module:ident $size:literal: $($m:ident $function:ident),*;)*) => {
            match mnemonic {
                $($(Mnemonic::$m => Some((Compute::$kind($module::$function), $size)),)*)*
                _ => None,
            }
        };
    }
    table! {
        Pure int 16: Pand and, Pandn andn, Por or, Pxor xor, Andps and, Andpd and, Andnps andn,
            Andnpd andn, Orps or, Orpd or, Xorps xor, Xorpd xor,
            Paddb paddb, Paddw paddw, Paddd paddd, Paddq paddq, Psubb psubb, Psubw psubw,
            Psubd psubd, Psubq psubq, Paddsb paddsb, Paddsw paddsw, Paddusb paddusb,
            Paddusw paddusw, Psubsb psubsb, Psubsw psubsw, Psubusb psubusb, Psubusw psubusw,
            Pavgb pavgb, Pavgw pavgw, Pminub pminub, Pmaxub pmaxub, Pminsw pminsw,
            Pmaxsw pmaxsw, Pminsb pminsb, Pmaxsb pmaxsb, Pminuw pminuw, Pmaxuw pmaxuw,
            Pminsd pminsd, Pmaxsd pmaxsd, Pminud pminud, Pmaxud pmaxud,
            Pcmpeqb pcmpeqb, Pcmpeqw pcmpeqw, Pcmpeqd pcmpeqd, Pcmpeqq pcmpeqq,
            Pcmpgtb pcmpgtb, Pcmpgtw pcmpgtw, Pcmpgtd pcmpgtd, Pcmpgtq pcmpgtq,
            Pmullw pmullw, Pmulld pmulld, Pmulhw pmulhw, Pmulhuw pmulhuw, Pmulhrsw pmulhrsw,
            Pmuludq pmuludq, Pmuldq pmuldq, Pmaddwd pmaddwd, Pmaddubsw pmaddubsw, Psadbw psadbw,
            Psignb psignb, Psignw psignw, Psignd psignd, Pabsb pabsb, Pabsw pabsw, Pabsd pabsd,
            Phaddw phaddw, Phaddd phaddd, Phaddsw phaddsw, Phsubw phsubw, Phsubd phsubd,
            Phsubsw phsubsw, Psllw psllw, Pslld pslld, Psllq psllq, Psrlw psrlw, Psrld psrld,
            Psrlq psrlq, Psraw psraw, Psrad psrad, Pslldq pslldq, Psrldq psrldq,
            Phminposuw phminposuw, Mpsadbw mpsadbw;
        Pure s 16: Packsswb packsswb, Packuswb packuswb, Packssdw packssdw, Packusdw packusdw,
            Punpcklbw punpcklbw, Punpcklwd punpcklwd, Punpckldq punpckldq, Punpcklqdq punpcklqdq,
            Punpckhbw punpckhbw, Punpckhwd punpckhwd, Punpckhdq punpckhdq, Punpckhqdq punpckhqdq,
            Unpcklps punpckldq, Unpckhps punpckhdq, Unpcklpd punpcklqdq, Unpckhpd punpckhqdq,
            Pshufb pshufb, Pshufd pshufd, Pshufw pshufw, Pshuflw pshuflw, Pshufhw pshufhw,
            Shufps shufps, Shufpd shufpd, Palignr palignr, Pblendw pblendw, Blendps blendps,
            Blendpd blendpd, Movshdup movshdup, Movsldup movsldup;
        Pure s 8: Movddup movddup, Pmovsxbw pmovsxbw, Pmovsxwd pmovsxwd, Pmovsxdq pmovsxdq,
            Pmovzxbw pmovzxbw, Pmovzxwd pmovzxwd, Pmovzxdq pmovzxdq;
        Pure s 4: Pmovsxbd pmovsxbd, Pmovsxwq pmovsxwq, Pmovzxbd pmovzxbd, Pmovzxwq pmovzxwq;
        Pure s 2: Pmovsxbq pmovsxbq, Pmovzxbq pmovzxbq;
        Float f 16: Addps addps, Addpd addpd, Subps subps, Subpd subpd, Mulps mulps, Mulpd mulpd,
            Divps divps, Divpd divpd, Minps minps, Minpd minpd, Maxps maxps, Maxpd maxpd,
            Sqrtps sqrtps, Sqrtpd sqrtpd, Roundps roundps, Roundpd roundpd, Rcpps rcpps,
            Rsqrtps rsqrtps, Cmpps cmpps, Cmppd cmppd, Addsubps addsubps, Addsubpd addsubpd,
            Haddps haddps, Haddpd haddpd, Hsubps hsubps, Hsubpd hsubpd, Dpps dpps, Dppd dppd,
            Cvtpd2ps cvtpd2ps, Cvtdq2ps cvtdq2ps, Cvtps2dq cvtps2dq, Cvttps2dq cvttps2dq,
            Cvtpd2dq cvtpd2dq, Cvttpd2dq cvttpd2dq;
        Float f 8: Addsd addsd, Subsd subsd, Mulsd mulsd, Divsd divsd, Minsd minsd, Maxsd maxsd,
            Sqrtsd sqrtsd, Roundsd roundsd, Cmpsd cmpsd, Cvtps2pd cvtps2pd, Cvtsd2ss cvtsd2ss,
            Cvtdq2pd cvtdq2pd;
        Float f 4: Addss addss, Subss subss, Mulss mulss, Divss divss, Minss minss, Maxss maxss,
            Sqrtss sqrtss, Roundss roundss, Rcpss rcpss, Rsqrtss rsqrtss, Cmpss cmpss,
            Cvtss2sd cvtss2sd;
    }
}
