// cflags for wasm: -msimd128
/* 128-bit operations: f32x4 mandelbrot, i16x8 dot products, i8x16 swizzle. args: size reps */
#if defined(__x86_64__) && !defined(__wasm__)
#pragma GCC target("ssse3") /* what swizzle needs; any such processor has it */
#endif
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#ifdef __wasm__
#include <wasm_simd128.h>
typedef v128_t f4; typedef v128_t i4; typedef v128_t h8; typedef v128_t b16;
#define F4(x) wasm_f32x4_splat(x)
#define I4(x) wasm_i32x4_splat(x)
#define f4_add wasm_f32x4_add
#define f4_sub wasm_f32x4_sub
#define f4_mul wasm_f32x4_mul
#define f4_le wasm_f32x4_le
#define any(m) wasm_v128_any_true(m)
#define i4_sub wasm_i32x4_sub
#define i4_add wasm_i32x4_add
#define dot wasm_i32x4_dot_i16x8
#define b16_and wasm_v128_and
#define b16_or wasm_v128_or
#define b16_shr4(v) wasm_u8x16_shr(v, 4)
#define b16_shl3(v) wasm_i8x16_shl(v, 3)
#define B16(x) wasm_i8x16_splat(x)
#define swizzle wasm_i8x16_swizzle
#define load(p) wasm_v128_load(p)
#define store(p, v) wasm_v128_store(p, v)
#else
#include <string.h>
typedef float f4 __attribute__((vector_size(16)));
typedef int32_t i4 __attribute__((vector_size(16)));
typedef int16_t h8 __attribute__((vector_size(16)));
typedef uint8_t b16 __attribute__((vector_size(16)));
static f4 F4(float x){ return (f4){x,x,x,x}; }
static i4 I4(int32_t x){ return (i4){x,x,x,x}; }
static f4 f4_add(f4 a,f4 b){ return a+b; }
static f4 f4_sub(f4 a,f4 b){ return a-b; }
static f4 f4_mul(f4 a,f4 b){ return a*b; }
static i4 f4_le(f4 a,f4 b){ return a<=b; }
#ifdef __SSE2__
static int any(i4 m){ return __builtin_ia32_movmskps((f4)m)!=0; }
static i4 dot(b16 a,b16 b){ return (i4)__builtin_ia32_pmaddwd128((h8)a,(h8)b); }
#else
static int any(i4 m){ return (m[0]|m[1]|m[2]|m[3])!=0; }
static i4 dot(b16 x,b16 y){ h8 a=(h8)x,b=(h8)y; i4 r; for(int i=0;i<4;i++) r[i]=a[2*i]*b[2*i]+a[2*i+1]*b[2*i+1]; return r; }
#endif
static i4 i4_sub(i4 a,i4 b){ return a-b; }
static i4 i4_add(i4 a,i4 b){ return a+b; }
static b16 b16_and(b16 a,b16 b){ return a&b; }
static b16 b16_or(b16 a,b16 b){ return a|b; }
static b16 b16_shr4(b16 a){ return a>>4; }
static b16 b16_shl3(b16 a){ return a<<3; }
static b16 B16(int x){ return (b16){0}+(uint8_t)x; }
static b16 swizzle(b16 t,b16 i){ return __builtin_shuffle(t,i); }
static b16 load(const void*p){ b16 r; memcpy(&r,p,16); return r; }
static void store(void*p,b16 v){ memcpy(p,&v,16); }
#define wasm_i32x4_extract_lane(v,n) ((v)[n])
#define wasm_f32x4_make(a,b,c,d) ((f4){a,b,c,d})
#endif

static uint32_t mandelbrot(int n,int limit){
  uint32_t sum=0;
  for(int y=0;y<n;y++) for(int x=0;x<n;x+=4){
    float u=2.0f/n; f4 cr=wasm_f32x4_make(x*u-1.5f,(x+1)*u-1.5f,(x+2)*u-1.5f,(x+3)*u-1.5f),ci=F4(y*u-1.0f),zr=F4(0),zi=F4(0);
    i4 count=I4(0);
    for(int k=0;k<limit;k++){
      f4 r2=f4_mul(zr,zr),i2=f4_mul(zi,zi); i4 in=f4_le(f4_add(r2,i2),F4(4.0f)); if(!any(in)) break;
      count=i4_sub(count,in); f4 z=f4_mul(zr,zi); zi=f4_add(f4_add(z,z),ci); zr=f4_add(f4_sub(r2,i2),cr); }
    sum=sum*31+(uint32_t)(wasm_i32x4_extract_lane(count,0)+wasm_i32x4_extract_lane(count,1)+wasm_i32x4_extract_lane(count,2)+wasm_i32x4_extract_lane(count,3)); }
  return sum;
}

/* A FIR filter over 16-bit samples. */
static uint32_t filter(const int16_t*s,int n,const int16_t*taps){
  uint32_t sum=0;
  for(int i=0;i+64<=n;i++){ i4 acc=I4(0);
    for(int t=0;t<64;t+=8) acc=i4_add(acc,dot(load(s+i+t),load(taps+t)));
    sum=sum*33+(uint32_t)(wasm_i32x4_extract_lane(acc,0)+wasm_i32x4_extract_lane(acc,1)+wasm_i32x4_extract_lane(acc,2)+wasm_i32x4_extract_lane(acc,3)); }
  return sum;
}

/* Substitutes each nibble through a table, as byte-oriented ciphers do. */
static void substitute(uint8_t*p,int n,const uint8_t*table){
  b16 t=load(table),low=B16(15);
  for(int i=0;i+16<=n;i+=16){ b16 v=load(p+i),hi=swizzle(t,b16_shr4(v)),lo=swizzle(t,b16_and(v,low));
    b16 shifted=b16_and(b16_shl3(lo),B16(0x78));
    store(p+i,b16_or(hi,shifted)); }
}

int main(int c,char**v){
  int n=c>1?atoi(v[1]):512,reps=c>2?atoi(v[2]):40; enum{N=65536};
  int16_t*s=malloc(N*2); uint8_t*b=malloc(N); uint8_t table[16]; int16_t taps[64]; if(!s||!b) return 1;
  for(int i=0;i<N;i++){ s[i]=(int16_t)(i*2654435761u>>20)-2048; b[i]=(uint8_t)(i*167+13); }
  for(int i=0;i<16;i++) table[i]=(uint8_t)((i*7+3)&15);
  for(int i=0;i<64;i++) taps[i]=(int16_t)(i*i-1000);
  uint32_t m=mandelbrot(n,256),f=0,x=0;
  for(int r=0;r<reps;r++){ taps[r&63]++; f=f*31+filter(s,N,taps); for(int k=0;k<8;k++) substitute(b,N,table); x=x*31+b[r*977%N]; }
  printf("simd n=%d reps=%d mandelbrot=%u filter=%u bytes=%u\n",n,reps,m,f,x); return 0; }
