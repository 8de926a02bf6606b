//! The rows. Each says whose habit it is, what it takes away and where the form is described.

use std::sync::LazyLock;

use regex::Regex;

use super::Rule;

macro_rules! rows {
    ($($of:literal, $needs:literal, $pattern:literal => $becomes:literal, $scripts:literal, [$($form:literal),*];)*) => {
        LazyLock::new(|| vec![$(Rule {
            of: $of,
            needs: $needs,
            pattern: Regex::new($pattern).expect("the row's pattern is a regular expression"),
            becomes: $becomes,
            scripts: $scripts,
            forms: &[$($form),*],
        }),*])
    };
}

#[rustfmt::skip]
pub(super) static RULES: LazyLock<Vec<Rule>> = rows! {
    // ruby doc/ Thread::Backtrace::Location#label
    "Ruby: blocks", "in ", r#"^(?:(?:block|rescue|ensure)(?: \(\d+ levels\))? in )+"# => "", false,
        ["block in {name}", "block ({n} levels) in {name}", "rescue in {name}"];
    // rails actionview/lib/action_view/template.rb, method_name
    "Rails: compiled templates", "__", r#"_{2,}\d{6,}_\d+$"# => "", false,
        ["_app_views_{name}_json_jbuilder__{n}{n}_{n}", "_app_views_{name}_html_erb___{n}{n}_{n}"];
    // rails activesupport/lib/active_support/callbacks.rb
    "Rails: callbacks", "_callback_", r#"_callback_(before|after|around)_\d+"# => "_callback_${1}", false,
        ["{name}._callback_before_{n}"];
    // php-src Zend/zend_compile.c, zend_generate_anon_class_name
    "PHP: anonymous classes", "@anonymous", r#"@anonymous.*?(::|->|$)"# => "@anonymous${1}", false,
        ["{name}@anonymous{path}/Factory.php::send", "{name}@anonymous\x00{path}/Factory.php:{n}$3f::send", "class@anonymous{path}/Factory.php:{n}$a0::{name}"];
    // php-src Zend/zend_compile.c, zend_begin_func_decl of PHP 8.4
    "PHP 8.4: closures in a function", "{closure:", r#"\{closure:([^{}]*\(\)):\d+\}"# => "{closure:${1}}", false,
        ["{closure:Shop\\Kernel::{name}():{n}}"];
    // the same
    "PHP 8.4: closures in a file", "{closure:", r#"\{closure:[^{}()]*:\d+\}"# => "{closure}", false,
        ["{closure:{path}/web.php:{n}}"];
    // symfony/dependency-injection Dumper/PhpDumper.php
    "Symfony: the compiled container", "Container", r#"\bContainer[0-9A-Za-z]{7}\\"# => r#"Container\"#, false,
        ["Container{hex7}\\get{name}Service::do"];
    // doctrine/common Proxy/ProxyGenerator.php
    "Symfony, Doctrine: lazy proxies", "Proxies", r#"\bProxies\\__CG__\\"# => "", false,
        ["Proxies\\__CG__\\App\\{name}::get"];
    // symfony/var-exporter ProxyHelper.php, ContainerBuilder proxies
    "Symfony: ghosts", "Ghost", r#"Ghost[0-9a-f]{7}\b"# => "Ghost", false,
        ["{name}Ghost{hex7}::load"];
    // smarty-php/smarty internal compiler, unifunc
    "Smarty: compiled templates", "content_", r#"\bcontent_[0-9a-f]{13,}(?:_\d+)?"# => "content", false,
        ["content_{hex}_{n}"];
    // openjdk InnerClassLambdaMetafactory, hidden classes (JEP 371)
    "JVM: lambdas", "$$Lambda", r#"\$\$Lambda(?:\$\d+)?(?:[/.](?:0x[0-9a-f]+|\d+))?"# => "", false,
        ["shop.{name}$$Lambda${n}/0x{hex}", "shop.{name}$$Lambda/0x{hex}.run"];
    // openjdk java.lang.Class#getName, JEP 371
    "JVM: hidden classes", "/0x", r#"/0x[0-9a-f]{6,16}"# => "", false,
        ["shop.{name}/0x{hex}.run"];
    // openjdk LambdaToMethod
    "javac: bodies of lambdas", "lambda$", r#"lambda\$(\w+)\$\d+(?:\$\d+)*"# => "lambda$$${1}", false,
        ["lambda${name}${n}", "lambda${name}$1${n}"];
    // kotlin compiler, invokedynamic lambdas
    "Kotlin: bodies of lambdas", "$lambda", r#"\$lambda[-$]\d+(?:[$]lambda[-$]\d+)*"# => "", false,
        ["{name}$lambda${n}", "{name}$lambda-{n}", "{name}$lambda${n}$lambda$1"];
    // kotlin compiler, inliner
    "Kotlin: inlined bodies", "$$inlined$", r#"\$\$inlined\$(\w+)\$\d+"# => "$$$$inlined$$${1}", false,
        ["{name}$$inlined$map${n}"];
    // r8 SyntheticNaming
    "R8: synthetic classes", "$$ExternalSynthetic", r#"\$\$ExternalSynthetic(\w*?)\d+"# => "$$$$ExternalSynthetic${1}", false,
        ["shop.{name}$$ExternalSyntheticLambda{n}.run"];
    // cglib DefaultNamingPolicy; google/guice BytecodeGen
    "Spring: CGLIB of old", "$$", r#"\$\$(?:EnhancerBy|FastClassBy)\w*(?:\$\$[0-9a-f]+)?"# => "", false,
        ["shop.{name}$$EnhancerBySpringCGLIB$${hex}", "shop.{name}$$FastClassByGuice$${hex7}"];
    // spring-core SpringNamingPolicy
    "Spring: CGLIB", "$$SpringCGLIB", r#"\$\$SpringCGLIB\$\$(?:FastClass\$\$)?\d+"# => "", false,
        ["shop.{name}$$SpringCGLIB$${n}", "shop.{name}$$SpringCGLIB$$FastClass$$1"];
    // raphw/byte-buddy NamingStrategy.SuffixingRandom; hibernate ByteBuddyState
    "ByteBuddy, Hibernate, Mockito", "$", r#"\$(?:HibernateProxy|HibernateInstantiator|HibernateAccessOptimizer|ByteBuddy|MockitoMock|auxiliary)(?:\$\w+)?"# => "", false,
        ["shop.{name}$HibernateProxy${word}.get", "shop.{name}$ByteBuddy${word}", "shop.{name}$MockitoMock${n}"];
    // jboss-javassist ProxyFactory
    "Javassist", "_$$_", r#"_\$\$_j\w*"# => "", false,
        ["shop.{name}_$$_javassist_{n}.get", "shop.{name}_$$_jvst{hex7}_1.get"];
    // openjdk java.lang.reflect.ProxyGenerator
    "JVM: proxies", "$Proxy", r#"(?:\b(?:jdk\.proxy\d+|com\.sun\.proxy)\.)?\$Proxy\d+"# => "$$Proxy", false,
        ["jdk.proxy{n}.$Proxy{n}.{name}", "com.sun.proxy.$Proxy{n}.{name}"];
    // openjdk MethodAccessorGenerator
    "JVM: accessors of reflection", "Accessor", r#"\bGenerated((?:Serialization)?(?:Method|Constructor))Accessor\d+"# => "Generated${1}Accessor", false,
        ["GeneratedMethodAccessor{n}.{name}", "GeneratedConstructorAccessor{n}.{name}"];
    // openjdk InvokerBytecodeGenerator
    "JVM: forms of method handles", "LambdaForm$", r#"LambdaForm\$\w+[/.](?:0x[0-9a-f]+|\d+)"# => "LambdaForm", false,
        ["java.lang.invoke.LambdaForm$MH/0x{hex}.{name}"];
    // scala/scala Delambdafy
    "Scala: bodies of functions", "$anonfun", r#"\$anonfun\$(\w+?)\$\d+(?:\$\w+)*"# => "$$anonfun$$${1}", false,
        ["shop.Cart.$anonfun${name}${n}", "shop.Cart.$anonfun${name}${n}$adapted"];
    // scala 2.11 UnCurry
    "Scala: bodies of old", "$$anonfun", r#"\$\$anonfun(?:\$\w*?)??\$\d+"# => "$$$$anonfun", false,
        ["shop.{name}$$anonfun${n}.apply"];
    // clojure Compiler.java, RT.nextID
    "Clojure: functions", "$", r#"([A-Za-z_!?*-])__\d{2,}"# => "${1}", false,
        ["shop.core${name}$fn__{n}.invoke", "shop.core$reify__{n}.{name}"];
    // the same
    "Clojure: evaluated", "eval", r#"\beval\d+\b"# => "eval", false,
        ["shop.core$eval{n}${name}"];
    // apache/groovy InnerClassVisitor
    "Groovy: closures", "_closure", r#"(\$_\w*?_closure)\d+(?:_closure\d+)*"# => "${1}", false,
        ["shop.Cart$_{name}_closure{n}"];
    // dotnet/roslyn GeneratedNames: functions within a function
    ".NET: local functions", "g__", r#"(?:<>c(?:__DisplayClass[\d_]+)?\.)?<([^<>]+)>g__([A-Za-z_]\w*?)\|\d+(?:_\d+)*"# => "${1}.${2}", false,
        ["<Pay>g__{name}|{n}_1", "Shop.Orders.<{name}>g__Check|{n}_1"];
    // dotnet/roslyn GeneratedNames
    ".NET: state machines, lambdas, local functions", "__", r#"(?:<>c(?:__DisplayClass[\d_]+)?\.)?<([^<>]+)>[bdgcnm]__(?:([A-Za-z_]\w*?)\|)?\d+(?:_\d+)*(?:\.MoveNext)?"# => "${1}", false,
        ["<{name}>d__{n}.MoveNext", "Shop.Orders.<>c__DisplayClass{n}_0.<{name}>b__{n}", "Shop.Orders.<{name}>g__Check|{n}_1"];
    // dotnet/roslyn, top-level statements
    ".NET: functions of a program without a class", "g__", r#"<<Main>\$>g__(\w+?)\|\d+_\d+"# => "${1}", false,
        ["<<Main>$>g__{name}|0_{n}"];
    // the same
    ".NET: classes of closures", "<>c__DisplayClass", r#"<>c__DisplayClass[\d_]+"# => "<>c", false,
        ["Shop.{name}+<>c__DisplayClass{n}_0"];
    // the same
    ".NET: anonymous types", "AnonymousType", r#"AnonymousType\d+"# => "AnonymousType", false,
        ["<>f__AnonymousType{n}.{name}"];
    // dotnet/runtime LambdaCompiler
    ".NET: compiled expressions", "lambda_method", r#"\blambda_method\d+"# => "lambda_method", false,
        ["{name}.lambda_method{n}"];
    // dotnet/ef6 EntityProxyFactory
    ".NET: entity proxies", "DynamicProxies.", r#"(DynamicProxies\.\w+?)_[0-9A-F]{64}\b"# => "${1}", false,
        ["System.Data.Entity.DynamicProxies.{name}_{hex64}.get_Id"];
    // dotnet/fsharp CompilerGlobalState, NiceNameGenerator
    "F#: closures", "@", r#"@\d+(?:-\d+)*(?:T\b)?"# => "@", false,
        ["Shop.Cart.{name}@{n}.Invoke", "{name}@{n}-3.Invoke"];
    // dart-lang/sdk runtime/vm/object.cc
    "Dart: closures", "<anonymous closure", r#"\.?<anonymous closure(?:[^>]*)?>"# => "", false,
        ["{name}.<anonymous closure>", "{name}.<anonymous closure @{n}>"];
    // swiftlang/swift lib/Demangling/NodePrinter.cpp
    "Swift: closures", "closure #", r#"(?:implicit )?closure #\d+ (?:@\w+ )*(?:\([^()]*(?:\([^()]*\)[^()]*)*\) )?(?:(?:async )?(?:throws )?(?:-> \S+ )?)?in "# => "", false,
        ["closure #{n} (Int) in Cart.{name}(_:)", "closure #1 in closure #{n} () -> () in Cart.{name}()", "implicit closure #{n} in {name}",
         "closure #{n} @Sendable () async throws -> Swift.Int in Cart.{name}()"];
    // the same
    "Swift: thunks and specialisations", " ", r#"^(?:(?:partial apply for|@objc|@nonobjc|merged|outlined|specialized|(?:generic|function signature) specialization <.*?> of|\(\d+\) (?:await resume|suspend resume) partial function for|thunk for|dispatch thunk of|protocol witness for) )+"# => "", false,
        ["partial apply for {name}", "({n}) await resume partial function for {name}", "specialized {name}"];
    // the same
    "Swift: private discriminators", " in _", r#"\((\S+) in _[0-9A-F]{8,64}\)"# => "${1}", false,
        ["Cart.({name} in _{hex64})"];
    // the same
    "Swift: witnesses", " in conformance ", r#" in conformance .*$"# => "", false,
        ["protocol witness for Pay.{name} in conformance Cart"];
    // llvm clang/lib/AST/Mangle.cpp
    "Objective-C: blocks", "_block_invoke", r#"^_{2,3}\d*([-+]\[[^\]]+\]|\w+?)_block_invoke(?:[._]\d+)*$"# => "${1}", false,
        ["__{n}-[Cart {name}:]_block_invoke", "__{n}-[Cart {name}:]_block_invoke_{n}", "___{name}_block_invoke.{n}"];
    // Itanium C++ ABI; MSVC's undname
    "C++: anonymous namespaces", "", r#"\(anonymous namespace\)|`anonymous[ -]namespace'|\{anonymous\}|\?A0x[0-9a-f]+|_GLOBAL__N_1|_GLOBAL__N__\w+"# => "(anonymous)", false,
        ["shop::?A0x{hex}::{name}", "shop::(anonymous namespace)::{name}"];
    // MSVC; boostorg/stacktrace issues
    "C++: lambdas of MSVC", "<lambda_", r#"<lambda_[0-9a-f]+>"# => "<lambda>", false,
        ["shop::{name}::<lambda_{hex32}>::operator()"];
    // llvm ItaniumDemangle.h; binutils cp-demangle.c
    "C++: lambdas", "", r#"\{lambda\([^{}]*\)#\d+\}|'lambda\d*'(?:\([^()]*\))?|\$_\d+\b|\{unnamed type#\d+\}"# => "<lambda>", false,
        ["shop::{name}::{lambda(int)#{n}}::operator()", "shop::{name}::$_{n}::operator()", "shop::{name}::'lambda{n}'(int)::operator()"];
    // gcc ipa passes; llvm ThinLTO promotion
    "C, C++, Rust: parts that optimisers split off", ".", r#"(?:\.(?:(?:isra|constprop|part|clone|lto_priv|llvm)(?:\.\d+)+|(?:cold|warm|localalias)(?:\.\d+)?))+$| ?\[clone [^\]]*\]"# => "", false,
        ["{name}.isra.0.constprop.{n}", "{name}.llvm.{n}", "{name} [clone .cold.{n}]"];
    // golang/go cmd/compile internal/ir ClosureName
    "Go: closures", ".", r#"([^.])\.(?:func|gowrap|deferwrap)\d+(?:\.(?:func|gowrap|deferwrap)?\d+)*(?:-range\d+)?"# => "${1}", false,
        ["main.{name}.func{n}", "main.{name}.func{n}.1", "main.{name}.gowrap{n}", "(*Server).{name}.func{n}.2.deferwrap1"];
    // the same
    "Go: method values", "-fm", r#"-fm$"# => "", false,
        ["(*Server).{name}-fm"];
    // golang/go cmd/compile unified IR
    "Go: type parameters", "[", r#"\[(?:\.\.\.|go\.shape[^\]]*(?:\][^\]]*)?)\]"# => "", false,
        ["{name}[go.shape.int_{n}]"];
    // rust-lang/rustc-demangle legacy
    "Rust: hashes", "::h", r#"::h[0-9a-f]{16}$"# => "", false,
        ["shop::{name}::h{hex}"];
    // the same
    "Rust: hashes in mangled names", "17h", r#"17h[0-9a-f]{16}E(?:\.llvm\.\d+)?$"# => "E", false,
        ["_ZN4shop10{name}17h{hex}E"];
    // rust RFC 2603
    "Rust: disambiguators", "[", r#"\b(\w+)\[[0-9a-f]{8,16}\]"# => "${1}", false,
        ["shop[{hex}]::{name}"];
    // the same; rustc debuginfo type_names
    "Rust: closures", "{", r#"::\{\{?closure(?:_env)?(?:#\d+)?\}?\}|::\{async_(?:fn|block)(?:_env)?(?:#\d+)?\}"# => "", false,
        ["shop::{name}::{{closure}}", "shop::{name}::{closure#{n}}", "shop::{name}::{async_fn#0}::{closure#{n}}"];
    // facebook/metro-source-map generateFunctionMap
    "Hermes: anonymous functions", "?anon_", r#"\?anon_\d+_"# => "", true,
        ["?anon_{n}_{name}"];
    // babel-helper-remap-async, regenerator
    "Babel: generators", "_callee", r#"_callee\d*\$?"# => "_callee$$", true,
        ["_callee{n}$"];
    // python __qualname__ (PEP 3155)
    "Python: functions in functions", "<locals>", r#"<locals>\."# => "", false,
        ["Cart.{name}.<locals>.inner"];
    // elixir Exception.format_mfa
    "Erlang, Elixir: functions in functions", "/", r#"^anonymous fn/\d+ in |-(?:fun|anonymous)-\d+-|-(?:lc|lbc|mc|lc\$|blc)\$\^\d+/\d+-\d+-"# => "", false,
        ["anonymous fn/{n} in Shop.{name}/2", "-{name}/2-fun-{n}-", "-{name}/2-lc$^0/1-{n}-", "-{name}/2-anonymous-{n}-"];
    // object ids that Ruby's inspect and Python's repr write
    "addresses in names", "0x", r#"(^|[^A-Za-z0-9])(?:at )?0x[0-9a-fA-F]{5,16}"# => "${1}", true,
        ["#<Class:0x{hex}>.{name}", "<function {name} at 0x{hex}>"];
    // rtomayko/tilt lib/tilt/template.rb
    "Tilt: compiled templates", "__tilt_", r#"__tilt_\d+"# => "__tilt", false,
        ["__tilt_{n}"];
    // perl perlsub, names of anonymous subs by Devel::StackTrace and Carp
    "Perl: anonymous subs", "__ANON__", r#"__ANON__\[[^\]]*\]"# => "__ANON__", false,
        ["Shop::{name}::__ANON__[{path}/Cart.pm:{n}]"];
    // lua.org lauxlib.c, pushfuncname
    "Lua: functions without a name", ".lua:", r#"<([\w./-]+\.lua):\d+>"# => "<${1}>", false,
        ["<{name}.lua:{n}>"];
    // golang/go cmd/compile internal/rangefunc
    "Go: bodies of range functions", "-range", r#"-range\d+$"# => "", false,
        ["main.{name}-range{n}"];
    // dotnet/roslyn VisualBasic GeneratedNames
    "Visual Basic: lambdas and closures", "$__", r#"_(Lambda|Closure)\$__\d+(?:-\d+)?"# => "_${1}", false,
        ["Shop.{name}._Lambda$__{n}-0", "Shop.{name}._Closure$__{n}-0"];
    // the same
    "Visual Basic: state machines", "VB$StateMachine", r#"VB\$StateMachine_\d+_(\w+)(?:\.MoveNext)?"# => "${1}", false,
        ["VB$StateMachine_{n}_{name}.MoveNext"];
    // Unity il2cpp, names of methods
    "IL2CPP: methods", "_m", r#"_m[0-9A-Fa-f]{40}(?:_(?:gshared|inline))*\b"# => "", false,
        ["{name}_m{hex32}{hex7}0", "{name}_m{hex32}{hex7}0_gshared"];
    // ocaml asmcomp, names of symbols
    "OCaml: stamps", "caml", r#"\b(caml\w+?__\w+?)_\d{2,}$"# => "${1}", false,
        ["camlShop__{name}_{n}"];
    // ziglang/zig Sema, anonymous declarations
    "Zig: anonymous declarations", "__anon_", r#"__anon_\d+"# => "__anon", false,
        ["cart.{name}__anon_{n}"];
    // cglib MethodProxy
    "CGLIB: methods", "CGLIB$", r#"CGLIB\$(\w+)\$\d+"# => "CGLIB$$${1}", false,
        ["CGLIB${name}${n}"];
    // jruby JVMVisitor
    "JRuby: blocks and methods", "RUBY$", r#"RUBY\$(block|method|class)\$(\w+?)\$\d+"# => "RUBY$$${1}$$${2}", false,
        ["RUBY$block${name}${n}"];
    // jython compiler, Module.java
    "Jython: modules", "_pyx", r#"_pyx\d+$"# => "_pyx", false,
        ["{name}_pyx{n}"];
    // MSVC's undname: numbered scopes within functions
    "C++: scopes of MSVC", "__l", r#"::__l\d+\b"# => "", false,
        ["shop::{name}::__l{n}::<lambda>::operator()"];
    // castleproject/Core ModuleScope, NamingScope
    ".NET: proxies of Castle", "Castle.Proxies.", r#"\b(Castle\.Proxies\.\w+?Proxy)_\d+\b"# => "${1}", false,
        ["Castle.Proxies.{name}Proxy_{n}.Pay"];
    // angular/angular compiler, names of template functions
    "Angular: template functions", "_Template", r#"_\d+(_|$)"# => "${1}", true,
        ["{name}_Template_button_click_{n}_listener", "{name}_div_{n}_Template"];
    // dart-lang/sdk pkg/compiler, names of closures
    "dart2js: closures", "_closure", r#"_closure\d*(?:\.call\$\d+)?$"# => "_closure", true,
        ["{name}_closure{n}.call$0", "{name}_closure{n}"];
    // kotlin compiler, classes of lambdas and of suspending functions
    "Kotlin: classes of lambdas", "$", r#"([\w.]\$[a-z]\w*)\$\d+(?:\$\d+)*\b"# => "${1}", false,
        ["shop.Cart${name}${n}", "shop.Cart${name}${n}.invokeSuspend"];
    // kotlin native, coroutines
    "Kotlin/Native: coroutines", "COROUTINE$", r#"COROUTINE\$\d+"# => "COROUTINE", false,
        ["${name}COROUTINE${n}.invokeSuspend"];
    // scala/scala Typers, anonymous classes
    "Scala: anonymous classes", "$$anon$", r#"\$\$anon\$\d+"# => "$$$$anon", false,
        ["shop.{name}$$anon${n}.run"];
    // scala/scala LambdaLift, functions in functions; jython compiler, Module.java. javac's `access$000` has three digits.
    "Scala, Jython: functions in functions", "$", r#"^([a-z_]\w*)\$\d{1,2}$"# => "${1}", false,
        ["{name}${n2}"];
    // ghc Z-encoding of symbols, cabal's hash of a package
    "Haskell: packages", "z", r#"^(\w+?)zm\d+(?:zi\d+)*zm[A-Za-z0-9]{16,24}_"# => "${1}_", false,
        ["shopzm0zi1zi0zm{hex20}_Cart_{name}_info"];
    // the same, as `HasCallStack` prints it
    "Haskell: packages, not encoded", ":", r#"^([A-Za-z][\w-]*?)-\d+(?:\.\d+)*-[A-Za-z0-9]{16,24}:"# => "${1}:", false,
        ["shop-0.1.0-{hex20}:Cart.{name}"];
    // ghc local names
    "Haskell: local functions", "_info", r#"_s[0-9A-Za-z]{3,4}_info$"# => "_info", false,
        ["Cart_{name}_s{hex3}_info"];
    // nim-lang/Nim ccgtypes, mangled names
    "Nim: mangled names", "_u", r#"(__\w+?)_u\d{2,}$"# => "${1}", false,
        ["{name}__cart_u{n}"];
    // spring-expression SpelCompiler
    "Spring: compiled expressions", "spel.Ex", r#"\bspel\.Ex\d+"# => "spel.Ex", false,
        ["spel.Ex{n}.{name}"];
    // apache/groovy GroovyShell
    "Groovy: scripts", "Script", r#"^Script\d+\b"# => "Script", false,
        ["Script{n}.{name}"];
    // drools RuleBuilder, classes of rules
    "Drools: rules", "Rule_", r#"\b(Rule_[A-Za-z_]+?)_?\d{6,}\b"# => "${1}", false,
        ["Rule_{name}{n}{n}.defaultConsequence"];
    // Ocramius/ProxyManager ClassNameInflector
    "PHP: proxies of ProxyManager", "__PM__", r#"__PM__\\(.+?)\\Generated[0-9a-f]{32}"# => "${1}", false,
        ["ProxyManagerGeneratedProxy\\__PM__\\Shop\\{name}\\Generated{hex32}::get"];
    // twigphp/Twig Environment::getTemplateClass
    "Twig: compiled templates", "__TwigTemplate_", r#"__TwigTemplate_[0-9a-f]{32,64}"# => "__TwigTemplate", false,
        ["__TwigTemplate_{hex32}::{name}"];
    // php-src Zend/zend_compile.c: a closure within a closure
    "PHP 8.4: closures in closures", "{closure:{closure", r#"\{closure:(\{closure[^{}]*\}):\d+\}"# => "{closure:${1}}", false,
        ["{closure:{closure:{path}/web.php:{n}}:{n}}", "{closure:{closure:Shop\\Kernel::{name}():{n}}:{n}}"];
};
