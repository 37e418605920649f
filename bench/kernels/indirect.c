/* indirect calls: objects with a table of methods, called in an order that a random walk picks. args: objects reps */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

typedef struct Shape Shape;
typedef struct { int32_t (*area)(const Shape*); void (*grow)(Shape*,int32_t); Shape*(*next)(Shape*,Shape*,uint32_t); } Methods;
struct Shape { const Methods*methods; int32_t a,b; };

static int32_t square_area(const Shape*s){ return s->a*s->a; }
static int32_t rect_area(const Shape*s){ return s->a*s->b; }
static int32_t tri_area(const Shape*s){ return s->a*s->b/2; }
static int32_t ring_area(const Shape*s){ return 3*(s->a*s->a-s->b*s->b); }
static void grow_a(Shape*s,int32_t d){ s->a=(s->a+d)&1023; }
static void grow_b(Shape*s,int32_t d){ s->b=(s->b^d)&1023; }
static void grow_both(Shape*s,int32_t d){ s->a=(s->a+d)&511; s->b=(s->b-d)&511; }
static Shape*hop(Shape*all,Shape*s,uint32_t mask){ return all+(((uint32_t)(s-all)*5u+1u)&mask); }
static Shape*skip(Shape*all,Shape*s,uint32_t mask){ return all+(((uint32_t)(s-all)+(uint32_t)s->a)&mask); }

static const Methods kinds[]={
  {square_area,grow_a,hop},{rect_area,grow_both,skip},{tri_area,grow_b,hop},{ring_area,grow_both,hop},{rect_area,grow_a,skip}};

typedef int (*Less)(const Shape*,const Shape*);
static int by_area(const Shape*x,const Shape*y){ return x->methods->area(x)<y->methods->area(y); }
static int by_side(const Shape*x,const Shape*y){ return x->a<y->a; }
static const Less orders[]={by_area,by_side};

/* Shell's sort rather than the C library's: native and wasm must do the same work. */
static void sort(Shape*all,uint32_t n,Less less){
  for(uint32_t gap=n/2;gap;gap/=2) for(uint32_t i=gap;i<n;i++){ Shape s=all[i]; uint32_t j=i;
    for(;j>=gap&&less(&s,&all[j-gap]);j-=gap) all[j]=all[j-gap]; all[j]=s; } }

int main(int c,char**v){
  uint32_t n=c>1?(uint32_t)atoi(v[1]):4096,reps=c>2?(uint32_t)atoi(v[2]):20,s=12345,sum=0; while(n&(n-1)) n&=n-1;
  Shape*all=malloc(n*sizeof*all); if(!all) return 1;
  for(uint32_t i=0;i<n;i++){ s=s*1664525u+1013904223u; all[i]=(Shape){&kinds[(s>>16)%5],(int32_t)(s>>8&511),(int32_t)(s>>20&511)}; }
  for(uint32_t r=0;r<reps;r++){
    Shape*p=all+(r&(n-1));
    for(uint32_t i=0;i<n*64;i++){ sum=sum*31+(uint32_t)p->methods->area(p); p->methods->grow(p,(int32_t)(i&7)); p=p->methods->next(all,p,n-1); }
    sort(all,n,orders[r&1]); }
  printf("indirect n=%u reps=%u sum=%u\n",n,reps,sum); return 0; }
