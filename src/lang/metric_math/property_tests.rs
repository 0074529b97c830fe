//! Properties: what a tree prints parses to the same tree; no input panics.

use proptest::collection::vec;
use proptest::prelude::*;

use crate::span::Span;

use super::functions::ArgumentForm;
use super::*;

fn at_nowhere(kind: ExpressionKind) -> Expression {
    Expression::new(kind, Span::default())
}

fn operators() -> impl Strategy<Value = Vec<Operator>> {
    use Operator::*;
    let levels = vec![
        vec![Or],
        vec![And],
        vec![Equal, NotEqual],
        vec![Less, LessOrEqual, Greater, GreaterOrEqual],
        vec![Add, Subtract],
        vec![Multiply, Divide],
    ];
    prop::sample::select(levels).prop_flat_map(|level| vec(prop::sample::select(level), 1..4))
}

fn expression() -> BoxedStrategy<Expression> {
    let number = any::<f64>().prop_filter("finite", |number| number.is_finite());
    let leaf = prop_oneof![
        (0_u32..100).prop_map(|number| ExpressionKind::Number(f64::from(number))),
        number.prop_map(|number| ExpressionKind::Number(number.abs())),
        any::<String>().prop_map(ExpressionKind::String),
        "[a-z][A-Za-z0-9_]{0,4}".prop_map(ExpressionKind::Id),
    ]
    .prop_map(at_nowhere);
    leaf.prop_recursive(4, 24, 3, |inner| {
        let boxed = || inner.clone().prop_map(Box::new);
        let functions: Vec<Function> = FUNCTIONS.iter().map(|declared| declared.function).collect();
        let call = (
            prop::sample::select(functions),
            vec(inner.clone(), 6),
            any::<bool>(),
            0_usize..3,
        )
            .prop_map(|(function, expressions, words, more)| {
                let declared = function.declaration();
                let count = (declared.min_arguments + more).min(declared.max_arguments);
                let arguments = expressions.into_iter().take(count).enumerate();
                let arguments =
                    arguments.map(|(at, expression)| match function.argument_form(at) {
                        ArgumentForm::Keyword(keywords) => {
                            Argument::Keyword(keywords[keywords.len() - 1])
                        }
                        ArgumentForm::Either(keywords) if words => Argument::Keyword(keywords[0]),
                        _ => Argument::Expression(expression),
                    });
                ExpressionKind::Call {
                    function,
                    arguments: arguments.collect(),
                }
            });
        let is_string = |item: &Expression| matches!(item.kind, ExpressionKind::String(_));
        let array = vec(inner.clone(), 1..4)
            .prop_filter("strings or series", move |items| {
                items.iter().all(is_string) || !items.iter().any(is_string)
            })
            .prop_map(ExpressionKind::Array);
        let chain = (boxed(), operators(), vec(inner.clone(), 3)).prop_map(
            |(first, operators, operands)| ExpressionKind::Chain {
                first,
                rest: operators.into_iter().zip(operands).collect(),
            },
        );
        prop_oneof![
            call,
            array,
            chain,
            boxed().prop_map(ExpressionKind::Negate),
            (boxed(), boxed())
                .prop_map(|(base, exponent)| ExpressionKind::Power { base, exponent }),
        ]
        .prop_map(at_nowhere)
    })
    .boxed()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_printed_tree_parses_to_itself(tree in expression()) {
        let printed = tree.to_string();
        if printed.chars().count() <= EXPRESSION_CHARACTERS_MAX {
            prop_assert_eq!(parse(&printed), Ok(tree), "{}", printed);
        }
    }

    #[test]
    fn no_text_panics(text in any::<String>()) {
        let _ = parse(&text);
    }

    #[test]
    fn no_row_of_words_panics(words in vec(word(), 0..20)) {
        let text = words.concat();
        if let Ok(tree) = parse(&text) {
            prop_assert_eq!(parse(&tree.to_string()), Ok(tree), "{}", text);
        }
    }
}

fn word() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec![
        "m1",
        "e2 ",
        "SUM(",
        "METRICS()",
        "SORT(",
        "FILL(",
        "AVG",
        "DESC",
        "REPEAT",
        "(",
        ")",
        "[",
        "]",
        ",",
        "+",
        "-",
        "*",
        "/",
        "^",
        "<",
        "<=",
        "==",
        "!=",
        " AND ",
        "||",
        "1",
        ".5",
        "1e3",
        "'x'",
        "\"",
        "\\",
        "é",
        " ",
        "IF(",
        "=",
    ])
}
