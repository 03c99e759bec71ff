<?php
// The few functions of WordPress that the plugin calls; then renders what standard input asks for.
define( 'ABSPATH', __DIR__ );
$told = array( 'scripts' => array(), 'inline' => array(), 'blocks' => array(), 'shortcodes' => array() );
$asked = json_decode( stream_get_contents( STDIN ), true );

function add_action( $hook, $do ) { 'init' === $hook && $do(); }
function add_shortcode( $name, $render ) { global $told; $told['shortcodes'][ $name ] = $render; }
function register_block_type( $name, $about ) { global $told; $told['blocks'][ $name ] = $about; }
function wp_register_script( ...$about ) { global $told; $told['registered'] = $about; }
function wp_add_inline_script( $handle, $code ) { global $told; $told['inline'][ $handle ] = $code; }
function wp_enqueue_script( ...$about ) { global $told; $told['scripts'][] = $about; }
function current_user_can( $what ) { global $asked; return ! empty( $asked['may_edit'] ); }
function __( $text ) { return $text; }
function esc_html__( $text ) { return esc_html( $text ); }
function esc_html( $text ) { return htmlspecialchars( $text, ENT_QUOTES, 'UTF-8', false ); }
function esc_attr( $text ) { return htmlspecialchars( $text, ENT_QUOTES, 'UTF-8', false ); }
function esc_url( $url ) { return preg_match( '#^https?://#', $url ) ? str_replace( array( '"', "'", '<', '>', ' ' ), '', $url ) : ''; }
function shortcode_atts( $pairs, $atts ) { return array_intersect_key( $atts, $pairs ) + $pairs; }

require $argv[1];
$told['html'] = call_user_func( $told['shortcodes']['headache_screener'], $asked['attributes'] );
echo json_encode( $told );
